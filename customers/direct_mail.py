"""Mails that leave at once and are kept nowhere: codes, and words to an address that no customer has any more."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from customers import looks


def send(*, kind: str, to: str, language: str, context: dict[str, Any]) -> None:
    """Write the texts of `templates/emails/<kind>` in a language and hand the mail over; whatever the mailer raises passes."""
    context = context | {
        "programme_name": looks.name(), "postal_address": settings.POSTAL_ADDRESS,
        "site_url": settings.SITE_URL,
    }  # fmt: skip
    with translation.override(language):
        subject, text, page = (
            render_to_string(f"emails/{kind}/{part}", context) for part in ("subject.txt", "body.txt", "body.html")
        )
    mail = EmailMultiAlternatives(
        " ".join(subject.split()), text, to=[to], headers={"Auto-Submitted": "auto-generated"}
    )
    mail.attach_alternative(page, "text/html")
    mail.send()

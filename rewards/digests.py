"""The daily digest of the books, mailed to those who watch over them.

Whoever holds database and key can rewrite history, but not yesterday's mail.
"""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from customers import looks
from customers.models import User
from rewards import freezes
from rewards.models import BookProof


def mail_digest(*, proof: BookProof) -> int:
    """Mail the digest to managers and auditors, each in their language, and return how many mails left."""
    readers = User.objects.filter(is_active=True, is_staff=True, groups__name__in=("manager", "auditor")).distinct()
    for reader in readers.order_by("pk"):
        with translation.override(reader.language or settings.LANGUAGE_CODE):
            context = {
                "proof": proof,
                "four_eyes": settings.FOUR_EYES,
                "freeze": freezes.current(),
                "programme_name": looks.name(),
                "postal_address": settings.POSTAL_ADDRESS,
            }
            subject = render_to_string("emails/books_digest/subject.txt", context).strip()
            mail = EmailMultiAlternatives(
                subject, render_to_string("emails/books_digest/body.txt", context), to=[reader.email]
            )
            mail.attach_alternative(render_to_string("emails/books_digest/body.html", context), "text/html")
            mail.send()
    return len(readers)

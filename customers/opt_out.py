"""The link below every mail with an offer: one press, and there are no more.

The token names a customer and a purpose and is signed for this use alone; it holds no address and never expires, and keys
of SECRET_KEY_FALLBACKS are still honoured.
"""

import datetime as dt
from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.urls import reverse

from customers import consents
from customers.models import Consent, Customer

WORDING = "opt-out:1"
_SIGNER = {"salt": "customers.opt_out", "sep": "."}


class OptOut(NamedTuple):
    """Whose mails for which purpose shall end."""

    customer: Customer
    purpose: str


def token(*, customer_id: int, purpose: str) -> str:
    """Return the token that ends the mails of one purpose to one customer."""
    return signing.Signer(**_SIGNER).sign(f"{customer_id}-{purpose}")


def url(*, customer_id: int, purpose: str) -> str:
    """Return the address of the page behind the token."""
    return settings.SITE_URL + reverse("opt_out", args=[token(customer_id=customer_id, purpose=purpose)])


def read(token: str) -> OptOut | None:
    """Return what a token stands for, None when it is not one of ours or the customer is gone."""
    try:
        number, _dash, purpose = signing.Signer(**_SIGNER).unsign(token).partition("-")
    except signing.BadSignature:
        return None
    customer = Customer.objects.filter(pk=number, erased_at=None).first()
    return None if customer is None else OptOut(customer, purpose)


def headers(*, customer_id: int, purpose: str) -> dict[str, str]:
    """Return what lets a mail program show its own button (RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{url(customer_id=customer_id, purpose=purpose)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def withdraw(*, wish: OptOut, now: dt.datetime) -> None:
    """Record the no; it works from the next mail on, and saying it again adds nothing."""
    consents.withdraw(
        customer=wish.customer, channel=Consent.Channel.EMAIL, purpose=wish.purpose, wording=WORDING,
        source="mail:opt-out", by=None, now=now,
    )  # fmt: skip

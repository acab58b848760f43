"""Changing a customer's e-mail address, by the shop or by themselves: whoever talked their way into it gains nothing at once.

The address opens the log-in, and with it every way to spend. So the old address is told, spending waits for 72 hours, and
whoever is signed in has to sign in again. A first address changes nothing: there was none to take over.
"""

import datetime as dt
import logging
from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from customers import announcements, direct_mail
from customers.identifiers import normalise
from customers.models import Customer, Identifier, User

logger = logging.getLogger(__name__)

HELD = dt.timedelta(hours=72)


def emails_of(customer: Customer) -> dict[str, str]:
    """Return the e-mail addresses of a customer as they are compared, with their spelling."""
    rows = Identifier.objects.filter(customer=customer, kind=Identifier.Kind.EMAIL)
    return dict(rows.order_by("pk").values_list("normalised", "value"))


def note_change(*, customer: Customer, before: dict[str, str], now: dt.datetime) -> bool:
    """Hold spending and end all sessions if the e-mail addresses differ from before, and return whether they do.

    Call it in the transaction of the change; the old addresses are told once that is certain.
    """
    after = emails_of(customer)
    if not before or before.keys() == after.keys():
        return False
    customer.spending_held_until = now + HELD
    customer.save(update_fields=["spending_held_until"])
    user = customer.user
    if user is not None and not user.is_staff:
        # Sessions carry a digest of the password: another unusable one ends them all.
        user.set_unusable_password()
        user.save(update_fields=["password"])
        user.devices.all().delete()
    gone = [value for normalised, value in before.items() if normalised not in after]
    transaction.on_commit(partial(_tell, customer, gone or list(before.values())))
    return True


class AddressTaken(Exception):
    """The address belongs to another customer, or opens another log-in; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(_("This address cannot be used here. Please ask the shop."))


def mail_change_code(*, customer: Customer, email: str, code: str) -> None:
    """Mail the code that confirms another address, or tell the owner of a taken one that somebody tried."""
    kind = "address_taken" if is_taken(customer=customer, email=email) else "address_code"
    direct_mail.send(kind=kind, to=email, language=customer.mail_language, context={"customer": customer, "code": code})


def change(*, customer: Customer, email: str, now: dt.datetime) -> bool:
    """Make a verified address the only one of a customer and return whether it is another one.

    The old addresses are told, spending waits, and every session ends; the log-in moves along. Raises AddressTaken.
    """
    with transaction.atomic():
        Customer.objects.select_for_update().only("pk").get(pk=customer.pk)
        before, address = emails_of(customer), normalise(kind=Identifier.Kind.EMAIL, value=email)
        if list(before) == [address]:
            return False
        if is_taken(customer=customer, email=email):
            raise AddressTaken
        own = Identifier.objects.filter(customer=customer, kind=Identifier.Kind.EMAIL)
        own.exclude(normalised=address).delete()
        own.update_or_create(
            normalised=address,
            defaults={"value": email, "verified_at": now},
            create_defaults={
                "customer": customer, "kind": Identifier.Kind.EMAIL, "normalised": address, "value": email,
                "verified_at": now,
            },
        )  # fmt: skip
        note_change(customer=customer, before=before, now=now)
        announcements.customer_changed(customer, fields=["identifiers"], at=now)
    return True


def is_taken(*, customer: Customer, email: str) -> bool:
    """Return whether an address belongs to another customer or opens another log-in."""
    address = normalise(kind=Identifier.Kind.EMAIL, value=email)
    others = Identifier.objects.filter(kind=Identifier.Kind.EMAIL, normalised=address).exclude(customer=customer)
    return others.exists() or User.objects.filter(email=address).exclude(pk=customer.user_id).exists()


def _tell(customer: Customer, addresses: Collection[str]) -> None:
    """Write to the old addresses. They are kept nowhere any more, so the mail leaves now or is missing in the log."""
    for address in addresses:
        try:
            direct_mail.send(
                kind="address_changed", to=address, language=customer.mail_language, context={"customer": customer}
            )
        except Exception:
            logger.exception("Customer %s could not be told at the old address", customer.pk)

"""Taking a customer into the programme, one at a time; a file of them is `customers.imports`."""

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers import announcements, consents
from customers.identifiers import normalise
from customers.models import Customer, Identifier, Store, User

ATTEMPTS = 5


class AlreadyEnrolled(Exception):
    """A customer with this member number, e-mail, phone or card exists; nothing was changed.

    `field` says which, and `customer` who: staff may be offered them, nobody else is told.
    """

    def __init__(self, *, field: str, customer: Customer | None = None) -> None:
        self.field, self.customer = field, customer
        super().__init__(
            {
                "member_number": _("This member number is taken."),
                "email": _("A customer with this e-mail address is enrolled already."),
                "phone": _("A customer with this phone number is enrolled already."),
                "card": _("This card belongs to a customer already."),
            }[field]
        )


class Word(NamedTuple):
    """A yes or no to one purpose on one channel, and the key and version of the sentence that was shown."""

    channel: str
    purpose: str
    is_granted: bool
    wording: str = ""


def enrol(
    *,
    name: str,
    source: str,
    now: dt.datetime,
    email: str = "",
    phone: str = "",
    card: str = "",
    language: str = "",
    birthday: dt.date | None = None,
    home_store: Store | None = None,
    member_number: str = "",
    words: Sequence[Word] = (),
    by: User | None = None,
) -> Customer:
    """Enrol a customer with what they agreed to, and return them; `source` says where they said so.

    `card` is the number of a card made before, which finds them from now on. Without a member number they get one that nobody
    can guess. Raises AlreadyEnrolled.
    """
    contacts = [(kind, value) for kind, value in (("email", email), ("phone", phone), ("card", card)) if value]
    try:
        with transaction.atomic():
            _refuse_known(member_number, contacts)
            customer = Customer.objects.create(
                member_number=member_number or _free_number(), name=name, language=language, birthday=birthday,
                home_store=home_store, enrolled_at=now,
            )  # fmt: skip
            Identifier.objects.bulk_create(
                Identifier(customer=customer, kind=kind, value=value, normalised=normalise(kind=kind, value=value))
                for kind, value in contacts
            )
            for word in words:
                say = consents.grant if word.is_granted else consents.withdraw
                say(
                    customer=customer, channel=word.channel, purpose=word.purpose, wording=word.wording, source=source,
                    by=by, now=now,
                )  # fmt: skip
            announcements.customer_enrolled(customer, source=source)
    except IntegrityError:
        # Somebody else enrolled the same person meanwhile: say which part is known now.
        _refuse_known(member_number, contacts)
        raise
    return customer


def enrol_at_till(
    *,
    by: User,
    now: dt.datetime,
    name: str = "",
    email: str = "",
    phone: str = "",
    card: str = "",
    language: str = "",
    words: Sequence[Word] = (),
    store: Store | None = None,
) -> Customer:
    """Enrol who stands at the counter and return them; their member number is the answer to “and my card?”.

    Twice the same is AlreadyEnrolled with the customer of the first time, so a second press does no harm.
    """
    return enrol(
        name=name, email=email, phone=phone, card=card, language=language, home_store=store, words=words,
        source=f"till:{store.code}" if store else "till", by=by, now=now,
    )  # fmt: skip


def new_member_number() -> str:
    """Return a number of ten digits that nobody can guess from another; whether it is free is for the caller to see."""
    return str(secrets.randbelow(9_000_000_000) + 1_000_000_000)


def _free_number() -> str:
    """Return a number that no customer has; the first is nearly always free."""
    for _attempt in range(ATTEMPTS):
        number = new_member_number()
        if not Customer.objects.filter(member_number=number).exists():
            return number
    raise RuntimeError("no free member number was found")


def _refuse_known(member_number: str, contacts: Sequence[tuple[str, str]]) -> None:
    """Raise AlreadyEnrolled for what belongs to somebody; a card may carry somebody's member number, too."""
    numbers = {"member_number": member_number} | {kind: value for kind, value in contacts if kind == "card"}
    for field, number in numbers.items():
        if number and (customer := Customer.objects.filter(member_number=number).first()):
            raise AlreadyEnrolled(field=field, customer=customer)
    for kind, value in contacts:
        known = Identifier.objects.filter(kind=kind, normalised=normalise(kind=kind, value=value))
        if identifier := known.select_related("customer").first():
            raise AlreadyEnrolled(field=kind, customer=identifier.customer)

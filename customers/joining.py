"""Becoming a member on the web: the form, a code to the address, and only then a row in the database.

Whoever is a member already gets a code as well, which signs them in, and the pages say the same to everybody: only who reads
the mailbox learns whether the address is known. The code that comes back is the second yes of the double opt-in.
"""

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction

from customers import accounts, direct_mail, notices
from customers.enrolment import AlreadyEnrolled, Word, enrol
from customers.identifiers import normalise
from customers.models import Customer, Identifier, User
from customers.notices import Letter

PURPOSE = "join"
SOURCE = "portal:join"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody typed who wants to join; `friend` is the code of the member who sent them."""

    name: str = ""
    language: str = ""
    birthday: str = ""  # ISO 8601: it waits in a session
    words: tuple[Word, ...] = ()
    friend: str = ""

    def packed(self) -> dict[str, Any]:
        """Return it as it is kept in a session."""
        return asdict(self) | {"words": [list(word) for word in self.words]}

    @classmethod
    def unpacked(cls, data: dict[str, Any]) -> "Wish":
        """Return what was kept."""
        return cls(**data | {"words": tuple(Word(*word) for word in data["words"])})


def mail_code(*, email: str, code: str, language: str) -> None:
    """Send the code, with a greeting for members and one for newcomers, each in the language they chose.

    A log-in that is switched off is told so, and its code opens nothing.
    """
    user = User.objects.filter(email=normalise(kind="email", value=email)).first()
    is_known = user is not None or accounts.is_member(email=email)
    context = {"code": code, "is_member": is_known, "is_closed": user is not None and not user.is_active}
    direct_mail.send(
        kind="join_code", to=email, language=accounts.mail_language(email=email) or language or "en", context=context
    )


def join(*, email: str, wish: Wish, now: dt.datetime) -> tuple[Customer | None, bool]:
    """Enrol who has shown that they read an address, and return them and whether they are new.

    A member already is returned as they are. None stands for an address that opens the log-in of staff without a card.
    """
    if accounts.is_member(email=email) or User.objects.filter(email=normalise(kind="email", value=email)).exists():
        return _known(email), False
    try:
        with transaction.atomic():
            customer = enrol(
                name=wish.name, email=email, language=wish.language, words=wish.words, source=SOURCE, now=now,
                birthday=dt.date.fromisoformat(wish.birthday) if wish.birthday else None,
            )  # fmt: skip
            customer.identifiers.filter(kind=Identifier.Kind.EMAIL).update(verified_at=now)
            notices.queue([welcome(customer)], now=now)
    except AlreadyEnrolled:
        # The same person pressed twice, or on two devices.
        return _known(email), False
    return customer, True


def welcome(customer: Customer) -> Letter:
    """Return the mail that greets a new member, once."""
    return Letter(customer.pk, "welcome", "enrolled", {})


def _known(email: str) -> Customer | None:
    user = accounts.ensure_user(email=email)
    return Customer.objects.enrolled().filter(user=user).first() if user else None

"""Who stands at the till: one customer by what they show or say, a few by the beginning of the name.

Exact values go through unique indexes, names through the index of their folded form, each at most once and bounded. What is
shown of a name is little, since the queue reads along. Searches that find nothing are counted per member of staff, so that
nobody tries numbers one after the other.
"""

import unicodedata
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import limits, member_codes
from customers.limits import Limit, LimitReached
from customers.models import Customer, Identifier, User
from customers.search import named, spellings

MOST = 8
MISSES, MISS_SECONDS = 20, 300
SEARCHES, SEARCH_SECONDS = 150, 600


class MatchedBy(models.TextChoices):
    """What led to a customer."""

    MEMBER_NUMBER = "member_number", gettext_lazy("member number")
    FRESH_CODE = "fresh_code", gettext_lazy("code on the phone")
    EMAIL = "email", gettext_lazy("e-mail")
    PHONE = "phone", gettext_lazy("phone")
    CARD = "card", gettext_lazy("card")
    OTHER = "other", gettext_lazy("another number")
    NAME = "name", gettext_lazy("name")


@dataclass(frozen=True, slots=True)
class Found:
    """A customer, as much of the name as a screen at the counter may show, and what led there."""

    customer: Customer
    shown_name: str
    matched_by: MatchedBy

    @property
    def shown_number(self) -> str:
        """The end of the member number, to tell two of the same name apart."""
        return f"…{self.customer.member_number[-4:]}"


class SearchStopped(Exception):
    """This member of staff searched too often, or too often in vain; `seconds` is how long to wait."""

    def __init__(self, *, seconds: int) -> None:
        self.seconds = seconds
        minutes = -(-seconds // 60)
        super().__init__(
            _("Too many searches. Searching goes on in %(minutes)d min; scan or type what the customer shows you then.")
            % {"minutes": minutes}
        )


def find(*, term: str, by: User, most: int = MOST) -> list[Found]:
    """Return whom a scanned, typed or spoken term means, at most `most`; the exact match alone if there is one.

    A fresh code identifies and is not used up; one that is too old to spend still identifies, like the printed number. Raises
    SearchStopped after 20 searches in vain within 5 minutes, and after 150 searches of any kind within 10.
    """
    text = unicodedata.normalize("NFKC", term).replace("\x00", "").strip()
    if not text:
        return []
    misses = Limit(f"till-misses:{by.pk}", MISSES, MISS_SECONDS)
    try:
        stopped_for = limits.take(Limit(f"till-searches:{by.pk}", SEARCHES, SEARCH_SECONDS), reserve=misses)
    except LimitReached as reached:
        raise SearchStopped(seconds=reached.seconds) from reached
    if stopped_for:
        raise SearchStopped(seconds=stopped_for)
    found: list[Found] | None = None
    try:
        found = look(text, most=most)
    finally:
        limits.settle(misses, is_miss=found == [])
    return found


def look(text: str, *, most: int = MOST) -> list[Found]:
    """Return whom a term means, without counting: for callers that count by themselves."""
    if member_codes.looks_fresh(text):
        return _by_fresh_code(text)
    found = _by_member_number(text) or _by_identifier(text, most)
    if found or not _may_be_a_name(text):
        return found
    return _by_name(text, most)


def owner_of_code(text: str) -> Customer | None:
    """Return whose card was scanned: a fresh code, a member number or a card made before; None when it is nobody's."""
    text = unicodedata.normalize("NFKC", text).strip()
    if member_codes.looks_fresh(text):
        found = _by_fresh_code(text)
    else:
        cards = Identifier.objects.filter(kind=Identifier.Kind.CARD, normalised=text)
        found = _by_member_number(text) or _found(
            Customer.objects.enrolled().filter(pk__in=cards.values("customer")), MatchedBy.CARD
        )
    return found[0].customer if found else None


def shorten(name: str) -> str:
    """Return what a screen at the counter may show of a name: Alice M. for Alice Morgan, 王*明 for 王小明."""
    words = name.split()
    if not words:
        return _("no name")
    if len(words) == 1 and _is_chinese(words[0]):
        word = words[0]
        hidden = len(word) - 1 if len(word) < 3 else len(word) - 2
        return word[0] + "*" * hidden + (word[-1] if len(word) > 2 else "")
    return words[0] if len(words) == 1 else f"{words[0]} {words[-1][0]}."


def _by_fresh_code(text: str) -> list[Found]:
    code = member_codes.read(text)
    if code is None:
        return []
    return _found(Customer.objects.enrolled().filter(pk=code.customer_id), MatchedBy.FRESH_CODE)


def _by_member_number(text: str) -> list[Found]:
    rows = Customer.objects.enrolled().filter(member_number__in={text, text.upper()}).order_by("pk")
    return _found(rows, MatchedBy.MEMBER_NUMBER)


def _by_identifier(text: str, most: int) -> list[Found]:
    """Every kind at once: the spellings of a phone number are no e-mail address and the other way round."""
    rows = Identifier.objects.filter(
        # A number in capitals may be that of a record which was merged: one more card of the one that was kept.
        normalised__in={*spellings(text), text.upper()},
        customer__erased_at=None,
        customer__merged_into=None,
    ).select_related("customer")
    found = {row.customer_id: _one(row.customer, _kind(row)) for row in rows.order_by("pk")[:most]}
    return list(found.values())


def _by_name(text: str, most: int) -> list[Found]:
    """As the index gives them, since sorting all who are called Li would cost more than asking for another letter."""
    rows = _found(Customer.objects.enrolled().filter(named(text))[:most], MatchedBy.NAME)
    return sorted(rows, key=lambda found: (found.customer.name_folded, found.customer.pk))


def _found(rows: models.QuerySet[Customer], matched_by: MatchedBy) -> list[Found]:
    return [_one(customer, matched_by) for customer in rows]


def _one(customer: Customer, matched_by: MatchedBy) -> Found:
    return Found(customer, shorten(customer.name), matched_by)


def _kind(row: Identifier) -> MatchedBy:
    return MatchedBy(row.kind) if row.kind in MatchedBy.values else MatchedBy.OTHER


def _may_be_a_name(text: str) -> bool:
    """Two letters, or one Chinese character; whatever has a digit or an @ is something else that nobody has."""
    if any(character.isdecimal() or character == "@" for character in text):
        return False
    return len(text) > 1 or _is_chinese(text)


def _is_chinese(word: str) -> bool:
    return all("\u3400" <= character <= "\u9fff" or character >= "\U00020000" for character in word)

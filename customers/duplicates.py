"""Which records may be of one person: the same value under two kinds, one mailbox spelt twice, the same name and birthday.

Set-based and capped: a few questions to indexes, however many customers there are. Staff decide; nothing is merged by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Identifier

MOST = 50
SCANNED = 500


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records and why they look like one; the older one would be kept."""

    kept: Customer
    duplicate: Customer
    why: Any


def likely(*, most: int = MOST) -> list[Pair]:
    """Return likely duplicates, the surest first, at most `most`."""
    found: dict[tuple[int, int], Any] = {}
    for first, second, why in (*_same_value(), *_same_mailbox(), *_same_name_and_birthday()):
        found.setdefault((min(first, second), max(first, second)), why)
    pairs = list(found.items())[:most]
    people = Customer.objects.enrolled().in_bulk({pk for pair, _why in pairs for pk in pair})
    return [
        Pair(*sorted((people[a], people[b]), key=lambda one: (one.enrolled_at, one.pk)), why)
        for (a, b), why in pairs
        if a in people and b in people
    ]


def _same_value() -> Iterator[tuple[int, int, Any]]:
    """A phone number that is also somebody's WeChat, a card that is also a number in another system."""
    twice = Identifier.objects.order_by().values("normalised").annotate(people=Count("customer", distinct=True))
    values = list(twice.filter(people__gt=1).values_list("normalised", flat=True)[:SCANNED])
    rows = Identifier.objects.filter(normalised__in=values).order_by("normalised", "pk")
    yield from _pairs(rows.values_list("normalised", "customer_id"), _("the same number or address"))


def _same_mailbox() -> Iterator[tuple[int, int, Any]]:
    """name+anything reaches name."""
    tagged = Identifier.objects.filter(kind=Identifier.Kind.EMAIL, normalised__contains="+").order_by("-pk")
    plain = {}
    for value, customer_id in tagged.values_list("normalised", "customer_id")[:SCANNED]:
        local, _at, domain = value.rpartition("@")
        plain.setdefault(f"{local.partition('+')[0]}@{domain}", []).append(customer_id)
    owners = Identifier.objects.filter(kind=Identifier.Kind.EMAIL, normalised__in=plain)
    for value, customer_id in owners.values_list("normalised", "customer_id"):
        plain[value].append(customer_id)
    rows = [(value, one) for value, people in plain.items() for one in people]
    yield from _pairs(rows, _("the same mailbox, spelt differently"))


def _same_name_and_birthday() -> Iterator[tuple[int, int, Any]]:
    people = Customer.objects.enrolled().filter(birthday__isnull=False).exclude(name_folded="")
    twice = people.order_by().values("name_folded", "birthday").annotate(number=Count("pk")).filter(number__gt=1)
    names = list(twice.values_list("name_folded", flat=True)[:SCANNED])
    rows = people.filter(name_folded__in=names).order_by("name_folded", "birthday", "pk")
    keyed = rows.annotate(key=F("pk")).values_list("name_folded", "birthday", "key")
    yield from _pairs((((name, day), pk) for name, day, pk in keyed), _("the same name and birthday"))


def _pairs(rows: Any, why: Any) -> Iterator[tuple[int, int, Any]]:
    """Pair the first of each key with the others."""
    first: dict[Any, int] = {}
    for key, customer_id in rows:
        known = first.setdefault(key, customer_id)
        if known != customer_id:
            yield known, customer_id, why

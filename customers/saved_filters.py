"""Saved filters at work: whom they select, and by night who entered and who left."""

import datetime as dt
from collections.abc import Iterable, Iterator

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from customers.models import Customer, FilterEvent, FilterMember, SavedFilter
from customers.models.customer import CustomerQuerySet
from customers.segment_facts import FACTS
from customers.timezones import programme_date

PREFIX = "filter-"
CHUNK = 5_000


def select(*, saved_filter: SavedFilter, customers: CustomerQuerySet, now: dt.datetime) -> CustomerQuerySet:
    """Return the customers for whom all conditions hold. A fact that nobody knows any more selects nobody."""
    for key, value in saved_filter.conditions.items():
        fact = FACTS.get(key)
        if fact is None:
            return customers.none()
        customers = fact.keep(customers, value, now)
    return customers


def counts(*, saved_filters: Iterable[SavedFilter], now: dt.datetime) -> dict[int, int]:
    """Return how many customers each filter means now, by its primary key: one question, however many filters."""
    everybody = Customer.objects.enrolled().filter(enrolled_at__lte=now)
    inside = {str(one.pk): select(saved_filter=one, customers=everybody, now=now).values("pk") for one in saved_filters}
    found = everybody.aggregate(**{f"of_{pk}": Count("pk", filter=Q(pk__in=rows)) for pk, rows in inside.items()})
    return {int(pk): found[f"of_{pk}"] for pk in inside}


def changes(*, saved_filter: SavedFilter) -> Iterator[tuple[dt.datetime, str, str]]:
    """Give everybody who entered or left, the newest first: when, member number, and which of the two (a stored word)."""
    rows = saved_filter.events.order_by("-pk").values_list("occurred_at", "customer__member_number", "kind")
    return rows.iterator(chunk_size=CHUNK)


def follow_due(*, now: dt.datetime) -> int:
    """Note for each filter, once a day, who entered and who left since the night before; return how many did.

    The first night, and the first with other conditions, notes only who is in: it was not the customers who moved. Each piece is a transaction; a run that was killed begins again and repeats nothing.
    """
    changed = 0
    for saved_filter in SavedFilter.objects.order_by("pk"):
        followed = saved_filter.followed_at
        if followed is None or programme_date(followed) < programme_date(now):
            changed += _follow(saved_filter, now, is_first=followed is None)
            SavedFilter.objects.filter(pk=saved_filter.pk).update(followed_at=now)
    return changed


def _follow(saved_filter: SavedFilter, now: dt.datetime, *, is_first: bool) -> int:
    everybody = Customer.objects.enrolled().filter(enrolled_at__lte=now)
    inside = select(saved_filter=saved_filter, customers=everybody, now=now)
    noted = FilterMember.objects.filter(saved_filter=saved_filter)
    changed = 0
    for kind, rows in (
        (FilterEvent.Kind.ENTERED, inside.exclude(Exists(noted.filter(customer=OuterRef("pk"))))),
        (FilterEvent.Kind.LEFT, Customer.objects.filter(Exists(noted.filter(customer=OuterRef("pk")))).exclude(pk__in=inside.values("pk"))),
    ):  # fmt: skip
        while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
            changed += len(keys)
            with transaction.atomic():
                if kind == FilterEvent.Kind.ENTERED:
                    FilterMember.objects.bulk_create(
                        [FilterMember(saved_filter=saved_filter, customer_id=key) for key in keys], batch_size=1_000
                    )
                else:
                    noted.filter(customer__in=keys).delete()
                if not is_first:
                    FilterEvent.objects.bulk_create(
                        [
                            FilterEvent(saved_filter=saved_filter, customer_id=key, kind=kind, occurred_at=now)
                            for key in keys
                        ],
                        batch_size=1_000,
                    )
    return 0 if is_first else changed

"""Saved filters at work: whom they select, and by night who entered and who left."""

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef

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


def follow_due(*, now: dt.datetime) -> int:
    """Note for each filter, once a day, who entered and who left since the night before; return how many did.

    The first night notes only who is in. Each piece is a transaction; a run that was killed begins again and repeats nothing.
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

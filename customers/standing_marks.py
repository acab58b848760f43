"""How far a night of standings has come, and whose standing can have changed since: only these are looked at by the next one.

A night reads the marks before it reads anything else, and writes them down when all is done, so one that was killed is made up for.
"""

import datetime as dt
from typing import NamedTuple

from django.db.models import Exists, Max, OuterRef, Q

from customers.models import Customer, CustomerMerge, Purchase, Return
from customers.models.customer import CustomerQuerySet

# Rows may be seen late: a long transaction shows them after later ones. What is missed even so waits for the week's first night.
OVERLAP = dt.timedelta(days=1)


class Marks(NamedTuple):
    """The newest rows that a night could see, and when it began (ISO)."""

    purchase: int
    returned: int
    at: str


def read(*, now: dt.datetime) -> Marks:
    """Return how far the tables have come."""
    newest = [model.objects.aggregate(newest=Max("pk"))["newest"] or 0 for model in (Purchase, Return)]
    return Marks(*newest, now.isoformat())


def followed() -> CustomerQuerySet:
    """Return everybody who has a standing once they buy: who takes part and did not switch personalisation off."""
    return Customer.objects.enrolled().filter(is_personalised=True)


def touched(*, since: Marks, now: dt.datetime) -> set[int]:
    """Return whose standing can have changed: purchases and returns that came or whose time came, merges, and who is new to it."""
    begun = dt.datetime.fromisoformat(since.at) - OVERLAP
    lately = Q(occurred_at__gt=begun, occurred_at__lte=now)
    bought = Purchase.objects.filter(Q(pk__gt=since.purchase) | lately, customer__isnull=False)
    back = Return.objects.filter(Q(pk__gt=since.returned) | lately, purchase__customer__isnull=False)
    merged = CustomerMerge.objects.filter(Q(merged_at__gt=begun) | Q(undone_at__gt=begun))
    joined = followed().filter(Exists(Purchase.objects.filter(customer=OuterRef("pk"))), standing=None)
    return {
        *bought.order_by().values_list("customer", flat=True).distinct(),
        *back.order_by().values_list("purchase__customer", flat=True).distinct(),
        *merged.values_list("kept", flat=True), *merged.values_list("duplicate", flat=True),
        *joined.values_list("pk", flat=True),
    }  # fmt: skip

"""What standings and forecasts are made from: each customer's days with a purchase, without what came back."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

import numpy as np
from django.db.models import F, Sum

from customers.models import Purchase, Return
from customers.recommendations.history import Epoch
from customers.standing_marks import followed
from customers.timezones import zone

CHUNK, AT_ONCE = 100_000, 1_000
COLUMNS = ("pk", "customer_id", Epoch("occurred_at"), F("total") - F("discount") - F("paid_by_points"), "total")


@dataclass(frozen=True)
class Visits:
    """Distinct days of purchase in the programme's time zone: one row per customer and day."""

    customers: np.ndarray
    customer: np.ndarray
    day: np.ndarray
    spent: np.ndarray
    last: np.ndarray  # second of each customer's latest purchase


def read(*, now: dt.datetime, only: Collection[int] | None = None) -> Visits:
    """Return the visits up to an instant of everybody who takes part and is followed, or of some of them alone.

    Of everybody it is one walk through the receipts, of some a look into the index for each.
    """
    people = followed().order_by("pk").values_list("pk", flat=True)
    known = np.fromiter(people.iterator(), np.int64)
    parts = list(_all_receipts(now) if only is None else _receipts_of(sorted(only), now))
    table = np.concatenate(parts) if parts else np.zeros((0, 5))
    table = _kept(table[np.isin(table[:, 1], known)], now, is_part=only is not None)
    customers, customer = np.unique(table[:, 1].astype(np.int64), return_inverse=True)
    day = days_of(table[:, 2])
    latest = np.zeros(len(customers))
    np.maximum.at(latest, customer, table[:, 2])
    keys, place = np.unique(np.column_stack([customer, day]), axis=0, return_inverse=True)
    spent = np.bincount(place.ravel(), weights=table[:, 3], minlength=len(keys))
    return Visits(customers, keys[:, 0], keys[:, 1], spent, latest)


def _all_receipts(now: dt.datetime) -> Iterator[np.ndarray]:
    last = 0
    receipts = Purchase.objects.filter(customer__isnull=False, occurred_at__lte=now).order_by("pk")
    while some := list(receipts.filter(pk__gt=last).values_list(*COLUMNS)[:CHUNK]):
        yield np.array(some, np.float64)
        last = some[-1][0]


def _receipts_of(customers: Sequence[int], now: dt.datetime) -> Iterator[np.ndarray]:
    for some in batched(customers, AT_ONCE):
        rows = list(Purchase.objects.filter(customer__in=some, occurred_at__lte=now).values_list(*COLUMNS))
        yield np.array(rows, np.float64).reshape(-1, len(COLUMNS))


def _kept(receipts: np.ndarray, now: dt.datetime, *, is_part: bool) -> np.ndarray:
    """Return the receipts of which something was kept, with what was spent on that; one that came back whole is no visit."""
    receipts = receipts[np.argsort(receipts[:, 0], kind="stable")]
    rows = _returned(receipts[:, 0].astype(np.int64).tolist() if is_part else None, now)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    place = np.searchsorted(rows[:, 0], receipts[:, 0])
    known = np.flatnonzero(place < len(rows))
    known = known[rows[place[known], 0] == receipts[known, 0]]
    share = np.ones(len(receipts))
    total = receipts[known, 4]
    share[known] = np.where(total > 0, 1 - rows[place[known], 1] / np.maximum(total, 1), 0)
    receipts[:, 3] = np.rint(receipts[:, 3] * share)
    return receipts[share > 0]


def _returned(purchases: Sequence[int] | None, now: dt.datetime) -> np.ndarray:
    """Return purchases with what came back of them: of all, or of some alone."""
    back = Return.objects.filter(occurred_at__lte=now).order_by().values("purchase").annotate(total=Sum("total"))
    found = back.values_list("purchase", "total")
    if purchases is None:
        rows = list(found)
    else:
        rows = [row for some in batched(purchases, AT_ONCE) for row in found.filter(purchase__in=some)]
    return np.array(rows, np.float64).reshape(-1, 2)


def days_of(seconds: np.ndarray) -> np.ndarray:
    """Return the programme's calendar days; clocks change at whole hours, so each hour is looked up once."""
    hours, place = np.unique((seconds // 3600).astype(np.int64), return_inverse=True)
    here = zone("")
    days = [dt.datetime.fromtimestamp(hour * 3600, here).toordinal() for hour in hours.tolist()]
    return np.array(days, np.int64)[place] if days else np.zeros(0, np.int64)


def histories(visits: Visits, until: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return who had bought by a day, and their x, last and age in weeks and mean spent when they came back."""
    keep = visits.day <= until
    customer, day, spent = visits.customer[keep], visits.day[keep], visits.spent[keep]
    who, starts, counts = np.unique(customer, return_index=True, return_counts=True)
    first, last = day[starts], day[starts + counts - 1]
    again = np.add.reduceat(spent, starts) - spent[starts] if len(starts) else np.zeros(0)
    x = (counts - 1).astype(float)
    mean = np.where(x > 0, again / np.maximum(x, 1), 0)
    return who, x, (last - first) / 7, (until - first) / 7, mean

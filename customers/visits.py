"""What standings and forecasts are made from: each customer's days with a purchase, without what came back."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from django.db.models import F, Sum

from customers.models import Customer, Purchase, Return
from customers.recommendations.history import Epoch
from customers.timezones import zone

CHUNK = 100_000


@dataclass(frozen=True)
class Visits:
    """Distinct days of purchase in the programme's time zone: one row per customer and day."""

    customers: np.ndarray
    customer: np.ndarray
    day: np.ndarray
    spent: np.ndarray
    last: np.ndarray  # second of each customer's latest purchase


def read(*, now: dt.datetime) -> Visits:
    """Return the visits of everybody who takes part and is followed, up to an instant; one walk through the receipts."""
    people = Customer.objects.enrolled().filter(is_personalised=True).order_by("pk").values_list("pk", flat=True)
    known = np.fromiter(people.iterator(), np.int64)
    parts, last = [], 0
    receipts = Purchase.objects.filter(customer__isnull=False, occurred_at__lte=now).order_by("pk")
    columns = ("pk", "customer_id", Epoch("occurred_at"), F("total") - F("discount") - F("paid_by_points"), "total")
    while some := list(receipts.filter(pk__gt=last).values_list(*columns)[:CHUNK]):
        parts.append(np.array(some, np.float64))
        last = some[-1][0]
    table = _kept(np.concatenate(parts) if parts else np.zeros((0, 5)), now)
    table = table[np.isin(table[:, 1], known)]
    customers, customer = np.unique(table[:, 1].astype(np.int64), return_inverse=True)
    day = _days(table[:, 2])
    latest = np.zeros(len(customers))
    np.maximum.at(latest, customer, table[:, 2])
    keys, place = np.unique(np.column_stack([customer, day]), axis=0, return_inverse=True)
    spent = np.bincount(place.ravel(), weights=table[:, 3], minlength=len(keys))
    return Visits(customers, keys[:, 0], keys[:, 1], spent, latest)


def _kept(receipts: np.ndarray, now: dt.datetime) -> np.ndarray:
    """Return the receipts of which something was kept, with what was spent on that; one that came back whole is no visit."""
    back = Return.objects.filter(occurred_at__lte=now).order_by().values("purchase").annotate(total=Sum("total"))
    rows = np.array(list(back.values_list("purchase", "total")), np.float64).reshape(-1, 2)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    place = np.searchsorted(rows[:, 0], receipts[:, 0])
    known = np.flatnonzero(place < len(rows))
    known = known[rows[place[known], 0] == receipts[known, 0]]
    share = np.ones(len(receipts))
    total = receipts[known, 4]
    share[known] = np.where(total > 0, 1 - rows[place[known], 1] / np.maximum(total, 1), 0)
    receipts[:, 3] = np.rint(receipts[:, 3] * share)
    return receipts[share > 0]


def _days(seconds: np.ndarray) -> np.ndarray:
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

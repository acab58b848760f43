"""The night's work on where customers stand. Everything is computed in sets; only what changed is written, a thousand at once.

Restartable: a run that was killed begins again and finds what it has written; the day is written down when all of it is done.
Customers who switched personalisation off have no standing.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from itertools import batched
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import F

from customers import forecasts, rfm, rhythm
from customers.models import Customer, Purchase, Standing, StandingChange, StandingNight
from customers.recommendations.history import Epoch
from customers.timezones import programme_date, zone

CHUNK = 100_000
AT_ONCE = 1_000
WEEKS, CHANCE_WEEKS = 52, 8
DRAWS = 19
MOST_DRAWN = 20_000  # distinct rows; a larger shop's parameters hardly vary, and its bootstrap is done on a part
WRITTEN = (
    "visits", "spent", "last_at", "usual_days", "due_at", "lapsing_at", "lapsed_at", "recency", "frequency", "monetary",
    "chance_permille", "visits_permille", "value", "value_low", "value_high",
)  # fmt: skip


@dataclass(frozen=True)
class Visits:
    """Distinct days of purchase in the programme's time zone: one row per customer and day."""

    customers: np.ndarray
    customer: np.ndarray
    day: np.ndarray
    spent: np.ndarray
    last: np.ndarray  # second of each customer's latest purchase


def run_due(*, clock: Callable[[], dt.datetime]) -> int:
    """Do today's work unless it is done, and return for how many customers something changed."""
    now = clock()
    today = programme_date(now)
    if StandingNight.objects.filter(day_date=today).exists():
        return 0
    visits = _read(now)
    forecast = _forecast(visits, today.toordinal())
    changed = _write(_rows(visits, today.toordinal(), forecast), now, today)
    gone = Standing.objects.exclude(customer__in=Customer.objects.enrolled().filter(is_personalised=True))
    gone.delete()
    StandingNight.objects.update_or_create(
        day_date=today,
        defaults={
            "finished_at": clock(), "customers": len(visits.customers), "changed": changed,
            "forecast": forecast.pop("kept", {}) if forecast else {},
        },
    )  # fmt: skip
    return changed


def _read(now: dt.datetime) -> Visits:
    people = Customer.objects.enrolled().filter(is_personalised=True).order_by("pk").values_list("pk", flat=True)
    known = np.fromiter(people.iterator(), np.int64)
    parts, last = [], 0
    receipts = Purchase.objects.filter(customer__isnull=False, occurred_at__lte=now).order_by("pk")
    columns = ("pk", "customer_id", Epoch("occurred_at"), F("total") - F("discount") - F("paid_by_points"))
    while some := list(receipts.filter(pk__gt=last).values_list(*columns)[:CHUNK]):
        parts.append(np.array(some, np.float64))
        last = some[-1][0]
    table = np.concatenate(parts) if parts else np.zeros((0, 4))
    table = table[np.isin(table[:, 1], known)]
    customers, customer = np.unique(table[:, 1].astype(np.int64), return_inverse=True)
    day = _days(table[:, 2])
    latest = np.zeros(len(customers))
    np.maximum.at(latest, customer, table[:, 2])
    keys, place = np.unique(np.column_stack([customer, day]), axis=0, return_inverse=True)
    spent = np.bincount(place.ravel(), weights=table[:, 3], minlength=len(keys))
    return Visits(customers, keys[:, 0], keys[:, 1], spent, latest)


def _days(seconds: np.ndarray) -> np.ndarray:
    """Return the programme's calendar days; clocks change at whole hours, so each hour is looked up once."""
    hours, place = np.unique((seconds // 3600).astype(np.int64), return_inverse=True)
    here = zone("")
    days = [dt.datetime.fromtimestamp(hour * 3600, here).toordinal() for hour in hours.tolist()]
    return np.array(days, np.int64)[place] if days else np.zeros(0, np.int64)


def _histories(visits: Visits, until: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return who had bought by a day, and their x, last and age in weeks and mean spent when they came back."""
    keep = visits.day <= until
    customer, day, spent = visits.customer[keep], visits.day[keep], visits.spent[keep]
    who, starts, counts = np.unique(customer, return_index=True, return_counts=True)
    first, last = day[starts], day[starts + counts - 1]
    again = np.add.reduceat(spent, starts) - spent[starts] if len(starts) else np.zeros(0)
    x = (counts - 1).astype(float)
    mean = np.where(x > 0, again / np.maximum(x, 1), 0)
    return who, x, (last - first) / 7, (until - first) / 7, mean


def _forecast(visits: Visits, today: int) -> dict[str, Any]:
    """Return the forecasts of everybody, or nothing when the shop is too young or too small for one."""
    if not len(visits.day) or today - int(visits.day.min()) < forecasts.FEWEST_DAYS:
        return {}
    __, x, last, age, mean = _histories(visits, today)
    if (x > 0).sum() < forecasts.FEWEST_REPEATERS:
        return {}
    rows, place = forecasts.distinct(x=x, last=last, age=age)
    fitted = forecasts.fit(rows)
    spending = forecasts.fit_spending(x=x, mean=mean)
    chance = np.random.default_rng(today)
    part = rows._replace(count=np.ones(len(rows.x)))
    if len(part.x) > MOST_DRAWN:
        part = forecasts.Rows(*(column[:: len(part.x) // MOST_DRAWN + 1] for column in part))
    else:
        part = rows
    draws = forecasts.bootstrapped(fitted, part, draws=DRAWS, chance=chance)

    def year(at: forecasts.Buying, these: forecasts.Rows) -> np.ndarray:
        return forecasts.expected(at, these, weeks=WEEKS)

    low, high = forecasts.interval(draws, rows, year)
    each = year(fitted, rows)
    return {
        "visits": each[place],
        "low": np.minimum(low, each)[place],
        "high": np.maximum(high, each)[place],
        "chance": forecasts.chance_to_buy(fitted, rows, weeks=CHANCE_WEEKS)[place],
        "mean": forecasts.mean_spending(spending, x=x, mean=mean),
        "kept": {"parameters": list(fitted), "spending": list(spending), "error": _error(visits, today)},
    }


def _error(visits: Visits, today: int) -> list[list[float]]:
    """Return, by tenths of customers, how many, what was forecast as of half a year ago (or half the history), and what happened."""
    weeks = min(26, (today - int(visits.day.min())) // 14)
    cut = today - weeks * 7
    who, x, last, age, __ = _histories(visits, cut)
    if (x > 0).sum() < forecasts.FEWEST_CUSTOMERS:
        return []
    rows, place = forecasts.distinct(x=x, last=last, age=age)
    forecast = forecasts.expected(forecasts.fit(rows), rows, weeks=weeks)[place]
    since = np.bincount(visits.customer[visits.day > cut], minlength=len(visits.customers))[who]
    return [
        [size, round(mean, 3), round(real, 3)]
        for size, mean, real in forecasts.deciles(forecast=forecast, happened=since)
    ]


def _rows(visits: Visits, today: int, forecast: dict[str, Any]) -> list[Standing]:
    count = len(visits.customers)
    usual = rhythm.usual_days(customer=visits.customer, day=visits.day, customers=count)
    times = np.bincount(visits.customer, minlength=count)
    spent = np.bincount(visits.customer, weights=visits.spent, minlength=count).astype(np.int64)
    latest_day = np.zeros(count, np.int64)
    np.maximum.at(latest_day, visits.customer, visits.day)
    scores = [rfm.quintiles(values) for values in (latest_day, times, spent)]
    made = []
    for n in range(count):
        last = dt.datetime.fromtimestamp(float(visits.last[n]), dt.UTC)
        gap = dt.timedelta(days=int(usual[n]))
        recency, frequency, monetary = (None if each is None else int(each[n]) for each in scores)
        made.append(
            Standing(
                customer_id=int(visits.customers[n]), visits=int(times[n]), spent=int(spent[n]), last_at=last,
                usual_days=int(usual[n]), due_at=last + gap, lapsing_at=last + rhythm.LAPSING * gap,
                lapsed_at=last + rhythm.LAPSED * gap, recency=recency, frequency=frequency, monetary=monetary,
                **_future(forecast, n),
            )
        )  # fmt: skip
    return made


def _future(forecast: dict[str, Any], n: int) -> dict[str, int]:
    if not forecast:
        return {}
    mean = max(0.0, float(forecast["mean"][n]))
    low, each, high = (round(float(forecast[name][n]) * mean) for name in ("low", "visits", "high"))
    return {
        "chance_permille": round(float(forecast["chance"][n]) * 1_000),
        "visits_permille": round(float(forecast["visits"][n]) * 1_000),
        "value": each, "value_low": min(low, each), "value_high": max(high, each),
    }  # fmt: skip


def _write(rows: list[Standing], now: dt.datetime, today: dt.date) -> int:
    """Write those that are not as they were, and note each change of the three figures."""
    changed = 0
    for some in batched(rows, AT_ONCE):
        before = {
            row.customer_id: row for row in Standing.objects.filter(customer__in=[row.customer_id for row in some])
        }
        new = [row for row in some if _differs(row, before.get(row.customer_id))]
        moved = [
            StandingChange(
                customer_id=row.customer_id,
                day_date=today,
                recency=row.recency,
                frequency=row.frequency,
                monetary=row.monetary,
            )
            for row in new
            if row.recency is not None and _score(row) != _score(before.get(row.customer_id))
        ]
        for row in new:
            row.made_at = now
        with transaction.atomic():
            Standing.objects.bulk_create(
                new,
                batch_size=500,
                update_conflicts=True,
                unique_fields=["customer"],
                update_fields=[*WRITTEN, "made_at"],
            )
            StandingChange.objects.bulk_create(
                moved, update_conflicts=True, unique_fields=["customer", "day_date"],
                update_fields=["recency", "frequency", "monetary"],
            )  # fmt: skip
        changed += len(new)
    return changed


def _differs(row: Standing, before: Standing | None) -> bool:
    return before is None or any(getattr(row, name) != getattr(before, name) for name in WRITTEN)


def _score(row: Standing | None) -> tuple[int | None, int | None, int | None]:
    return (None, None, None) if row is None else (row.recency, row.frequency, row.monetary)

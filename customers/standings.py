"""The night's work on where customers stand. Everything is computed in sets; only what changed is written, a thousand at once.

Restartable: a run that was killed begins again and finds what it has written; the day is written down when all of it is done.
Customers who switched personalisation off have no standing.
"""

import datetime as dt
from collections.abc import Callable
from itertools import batched
from typing import Any

import numpy as np
from django.db import transaction

from customers import forecasts, looking_back, rfm, rhythm
from customers.models import Standing, StandingChange, StandingNight
from customers.timezones import programme_date
from customers.visits import Visits, histories, read

AT_ONCE = 1_000
WEEKS, CHANCE_WEEKS = 52, 8
DRAWS = 19
MOST_DRAWN = 20_000  # distinct rows; a larger shop's parameters hardly vary, and its bootstrap is done on a part
WRITTEN = (
    "visits", "spent", "last_at", "usual_days", "due_at", "lapsing_at", "lapsed_at", "recency", "frequency", "monetary",
    "chance_permille", "visits_permille", "value", "value_low", "value_high",
)  # fmt: skip


def run_due(*, clock: Callable[[], dt.datetime]) -> int:
    """Do today's work unless it is done, and return for how many customers something changed."""
    now = clock()
    today = programme_date(now)
    if StandingNight.objects.filter(day_date=today).exists():
        return 0
    visits = read(now=now)
    forecast = _forecast(visits, today.toordinal())
    changed = _write(_rows(visits, today.toordinal(), forecast), now, today)
    _forget(visits)
    StandingNight.objects.update_or_create(
        day_date=today,
        defaults={
            "finished_at": clock(), "customers": len(visits.customers), "changed": changed,
            "forecast": forecast.pop("kept", {}) if forecast else {},
        },
    )  # fmt: skip
    return changed


def _forget(visits: Visits) -> None:
    """Delete the standings of whoever is followed no more, or kept nothing of what they bought."""
    noted = np.fromiter(Standing.objects.order_by("pk").values_list("pk", flat=True).iterator(), np.int64)
    for some in batched(np.setdiff1d(noted, visits.customers).tolist(), AT_ONCE):
        Standing.objects.filter(pk__in=some).delete()


def _forecast(visits: Visits, today: int) -> dict[str, Any]:
    """Return the forecasts of everybody, or nothing when the shop is too young or too small for one."""
    if not len(visits.day) or today - int(visits.day.min()) < forecasts.FEWEST_DAYS:
        return {}
    __, x, last, age, mean = histories(visits, today)
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
        "kept": {"parameters": list(fitted), "spending": list(spending), **looking_back.look_back(visits, today=today)},
    }


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

"""The night's work on where customers stand. Everything is computed in sets; only what changed is written, a thousand at once.

The first night of a week reads all receipts, fits the forecasts and takes the shop's usual days. The others read only the receipts
of customers whose standing can have changed (customers/standing_marks.py); quintiles are worked out for everybody each
night, from what the standings hold. docs/segments.md#the-night says what that leaves for the next week.

Restartable: a run that was killed begins again and finds what it has written; the day is written down when all of it is done.
Customers who switched personalisation off have no standing.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import batched
from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef

from customers import foretelling, rfm, rhythm, standing_marks
from customers.foretelling import Fitted
from customers.models import Standing, StandingChange, StandingNight
from customers.recommendations.history import Epoch
from customers.standing_marks import Marks
from customers.timezones import programme_date
from customers.visits import Visits, days_of, read

AT_ONCE, CHUNK = 1_000, 100_000
MOST_TOUCHED = 4  # above one in so many, reading everybody is quicker
FACTS = ("visits", "spent", "last_at", "usual_days", "due_at", "lapsing_at", "lapsed_at")
SCORES = ("recency", "frequency", "monetary")
FORECAST = ("chance_permille", "visits_permille", "value", "value_low", "value_high")
WRITTEN = (*FACTS, *SCORES, *FORECAST)


class Week(NamedTuple):
    """What holds from the first night of a week: the shop's usual days, the fit, and what that was worth."""

    shop: float
    fitted: Fitted | None
    forecast: dict[str, Any]


def run_due(*, clock: Callable[[], dt.datetime]) -> int:
    """Do today's work unless it is done, and return for how many customers something changed."""
    now = clock()
    today = programme_date(now)
    if StandingNight.objects.filter(day_date=today).exists():
        return 0
    marks = standing_marks.read(now=now)
    last = StandingNight.objects.order_by("-day_date").first()
    if last is not None and last.marks and _is_same_week(last.day_date, today):
        week, rows = _some(last, now)
    else:
        week, rows = _all(now)
    changed = _write(_scored(rows), now, today)
    StandingNight.objects.update_or_create(
        day_date=today,
        defaults={
            "finished_at": clock(), "customers": Standing.objects.count(), "changed": changed, "forecast": week.forecast,
            "marks": {
                "read": list(marks), "shop": week.shop, "fitted": week.fitted.kept() if week.fitted else {},
            },
        },
    )  # fmt: skip
    return changed


def _is_same_week(earlier: dt.date, today: dt.date) -> bool:
    return earlier < today and earlier.isocalendar()[:2] == today.isocalendar()[:2]


def _all(now: dt.datetime) -> tuple[Week, list[Standing]]:
    """Look at everybody, and begin the week."""
    today = programme_date(now).toordinal()
    visits = read(now=now)
    shop = rhythm.shop_days(**_own_days(visits))
    fitted = foretelling.fit(visits, today)
    noted = np.fromiter(Standing.objects.order_by("pk").values_list("pk", flat=True).iterator(), np.int64)
    _forget(np.setdiff1d(noted, visits.customers).tolist())
    week = Week(shop, fitted, foretelling.worth(visits, today, fitted))
    return week, _rows(visits, today, week)


def _some(last: StandingNight, now: dt.datetime) -> tuple[Week, list[Standing]]:
    """Look at those whose standing can have changed since the last night, and return those that have."""
    week = Week(last.marks["shop"], Fitted.of(last.marks["fitted"]), last.forecast)
    touched = standing_marks.touched(since=Marks(*last.marks["read"]), now=now)
    is_part = len(touched) * MOST_TOUCHED < last.customers
    visits = read(now=now, only=touched if is_part else None)
    strangers = Standing.objects.exclude(Exists(standing_marks.followed().filter(pk=OuterRef("pk"))))
    _forget({*touched.difference(visits.customers.tolist()), *strangers.values_list("pk", flat=True)})
    rows = _rows(visits, programme_date(now).toordinal(), week)
    return week, [row for row in _moved(rows) if row.customer_id in touched]


def _moved(rows: Iterable[Standing]) -> Iterator[Standing]:
    """Give those whose facts are not as they were; the others keep the forecast they have."""
    for some in batched(rows, AT_ONCE):
        before = Standing.objects.in_bulk([row.customer_id for row in some])
        yield from (row for row in some if _differs(row, before.get(row.customer_id), FACTS))


def _forget(customers: Collection[int]) -> None:
    """Delete the standings of whoever is followed no more, or kept nothing of what they bought."""
    for some in batched(customers, AT_ONCE):
        Standing.objects.filter(pk__in=some).delete()


def _own_days(visits: Visits) -> dict[str, np.ndarray]:
    known, own = rhythm.own_days(customer=visits.customer, day=visits.day, customers=len(visits.customers))
    return {"known": known, "own": own}


def _rows(visits: Visits, today: int, week: Week) -> list[Standing]:
    """Return the standings of some visits, without quintiles."""
    count = len(visits.customers)
    usual = rhythm.usual_days(**_own_days(visits), shop=week.shop)
    times = np.bincount(visits.customer, minlength=count)
    spent = np.bincount(visits.customer, weights=visits.spent, minlength=count).astype(np.int64)
    made = []
    for n, future in enumerate(foretelling.foretell(visits, today, week.fitted)):
        last = dt.datetime.fromtimestamp(float(visits.last[n]), dt.UTC)
        gap = dt.timedelta(days=int(usual[n]))
        made.append(
            Standing(
                customer_id=int(visits.customers[n]), visits=int(times[n]), spent=int(spent[n]), last_at=last,
                usual_days=int(usual[n]), due_at=last + gap, lapsing_at=last + rhythm.LAPSING * gap,
                lapsed_at=last + rhythm.LAPSED * gap, **future,
            )
        )  # fmt: skip
    return made


def _scored(rows: list[Standing]) -> Iterator[Standing]:
    """Give some standings with their quintiles among everybody, and those of others that have shifted by it."""
    new = {row.customer_id: row for row in rows}
    noted = _noted()
    noted = noted[~np.isin(noted[:, 0], np.fromiter(new, np.float64, len(new)))]
    own = [(row.customer_id, row.visits, row.spent, row.last_at.timestamp(), 0, 0, 0) for row in rows]
    table = np.concatenate([noted, np.array(own, np.float64).reshape(-1, 7)])
    values = (days_of(table[:, 3]), table[:, 1], table[:, 2])
    scores = np.zeros((len(table), 3), np.int64)
    for column, value in enumerate(values):
        found = rfm.quintiles(value)
        scores[:, column] = 0 if found is None else found
    yield from _with_scores(new.values(), scores[len(noted) :])
    shifted = np.flatnonzero((scores[: len(noted)] != noted[:, 4:]).any(axis=1))
    for some in batched(shifted.tolist(), AT_ONCE):
        stored = Standing.objects.in_bulk([int(noted[n, 0]) for n in some])
        yield from _with_scores([stored[int(noted[n, 0])] for n in some], scores[list(some)])


def _noted() -> np.ndarray:
    """Return everybody's standing: customer, visits, spent, the second of the last purchase, and quintiles (0 for none)."""
    parts, last = [np.zeros((0, 7))], 0
    columns = ("pk", "visits", "spent", Epoch("last_at"), *SCORES)
    while some := list(Standing.objects.filter(pk__gt=last).order_by("pk").values_list(*columns)[:CHUNK]):
        parts.append(np.nan_to_num(np.array(some, np.float64)))
        last = some[-1][0]
    return np.concatenate(parts)


def _with_scores(rows: Iterable[Standing], scores: np.ndarray) -> Iterator[Standing]:
    for row, found in zip(rows, scores.tolist(), strict=True):
        row.recency, row.frequency, row.monetary = (score or None for score in found)
        yield row


def _write(rows: Iterable[Standing], now: dt.datetime, today: dt.date) -> int:
    """Write those that are not as they were, and note each change of the three figures."""
    changed = 0
    for some in batched(rows, AT_ONCE):
        before = Standing.objects.in_bulk([row.customer_id for row in some])
        new = [row for row in some if _differs(row, before.get(row.customer_id), WRITTEN)]
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


def _differs(row: Standing, before: Standing | None, columns: Iterable[str]) -> bool:
    return before is None or any(getattr(row, name) != getattr(before, name) for name in columns)


def _score(row: Standing | None) -> tuple[int | None, int | None, int | None]:
    return (None, None, None) if row is None else (row.recency, row.frequency, row.monetary)

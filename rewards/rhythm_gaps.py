"""Who stays away longer than their own rhythm: the median pause between a customer's visits, by one statement."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection

from customers.models import Purchase
from customers.statements import stored
from customers.timezones import programme_date

YEARS = dt.timedelta(days=730)
FEWEST_GAPS = 3
SHORTEST_DAYS = 7  # nobody is missed sooner, however often they usually come

_DAYS = {
    "sqlite": "julianday(occurred_at)",
    "postgresql": "extract(epoch FROM occurred_at)::double precision / 86400",
}
# Visits less than half a day apart are one.
_STAYED_AWAY = """
WITH visits AS (
    SELECT customer_id, {days} AS day, LAG({days}) OVER (PARTITION BY customer_id ORDER BY occurred_at) AS before
    FROM {purchases} WHERE customer_id IS NOT NULL AND occurred_at > %s AND occurred_at <= %s
), ranked AS (
    SELECT customer_id, day - before AS gap,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY day - before) AS place,
        COUNT(*) OVER (PARTITION BY customer_id) AS gaps
    FROM visits WHERE day - before >= 0.5
), usual AS (
    SELECT customer_id, AVG(gap) AS gap FROM ranked
    WHERE gaps >= %s AND place IN ((gaps + 1) / 2, (gaps + 2) / 2) GROUP BY customer_id
), last AS (
    SELECT customer_id, MAX(occurred_at) AS at FROM {purchases}
    WHERE customer_id IS NOT NULL AND occurred_at > %s AND occurred_at <= %s GROUP BY customer_id
)
SELECT usual.customer_id, usual.gap, last.at FROM usual JOIN last ON last.customer_id = usual.customer_id
WHERE last.at < %s ORDER BY usual.customer_id
"""


class StayedAway(NamedTuple):
    """A customer, the usual pause in days, and how long it has been now."""

    customer_id: int
    gap_days: int
    away_days: int
    last_date: dt.date


def stayed_away(*, times: int, now: dt.datetime) -> Iterator[StayedAway]:
    """Return who has stayed away `times` times the own usual pause, of those with three pauses or more in two years."""
    since, table = now - YEARS, Purchase._meta.db_table
    sql = _STAYED_AWAY.format(days=_DAYS[connection.vendor], purchases=table)
    bounds = [
        stored(since),
        stored(now),
        FEWEST_GAPS,
        stored(since),
        stored(now),
        stored(now - dt.timedelta(days=SHORTEST_DAYS)),
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, bounds)
        rows = cursor.fetchall()
    for customer_id, gap, at in rows:
        last_at = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC) if isinstance(at, str) else at
        away = (now - last_at) / dt.timedelta(days=1)
        if away >= times * gap:
            yield StayedAway(customer_id, round(gap), int(away), programme_date(last_at))

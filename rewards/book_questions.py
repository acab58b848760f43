"""What `rewards.books` asks of the database: the statements that lock the balances of some customers and read their lots."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection, models

from customers import bulk
from customers.statements import Statement
from rewards.models import PointBalance, PointLot, PointTransaction, StampBalance
from rewards.models.points import POINTS

BALANCE = ("pending", "active", "held", "debt", "lifetime", "sequence", "mac", "updated_at")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for in the message of the lock."""

    with_lots: bool
    due_at: dt.datetime | None
    source: str
    claim: Statement | None
    also: Sequence[Statement]

    @property
    def is_single(self) -> bool:
        """Whether it is about one cause, which mostly posts one row."""
        return bool(self.source or self.claim)


def balance_model(currency: int) -> type[PointBalance | StampBalance]:
    """Return what holds the balances of a currency."""
    return PointBalance if currency == POINTS else StampBalance


def balances_of(currency: int) -> models.QuerySet[Any]:
    """Return the balances of a currency."""
    return PointBalance.objects.all() if currency == POINTS else StampBalance.objects.filter(card=currency)


def questions(customer_ids: list[int], wanted: Wanted, currency: int) -> dict[Any, Statement]:
    """Return what locks and reads the accounts of some customers, by what each answers."""
    with_lots, source = wanted.with_lots, wanted.source
    lock, lots, due, known, keys = _sql(len(customer_ids), connection.vendor, currency)
    whose: list[object] = list(customer_ids)
    if len(whose) > 1 and connection.vendor == "postgresql":
        whose = [bulk.array(customer_ids)]
    asked: dict[Any, Statement] = {PointBalance: Statement(lock, whose)} if customer_ids else {}
    if keys and customer_ids:
        asked[StampBalance] = Statement(keys, whose)
    if wanted.due_at and customer_ids:
        due_at = connection.ops.adapt_datetimefield_value(wanted.due_at)
        asked["lots"] = Statement(due, [*whose, due_at, due_at, due_at])
    elif with_lots and customer_ids:
        asked["lots"] = Statement(lots, whose)
    if source:
        asked["source"] = Statement(known, [source])
    if wanted.is_single and customer_ids and connection.vendor == "postgresql":
        # A single cause mostly posts one row, and opens one lot unless it draws on others: their keys come along.
        asked |= {
            model: bulk.ids(model, 1) for model in ([PointTransaction] if with_lots else [PointTransaction, PointLot])
        }
    return asked


# The end is said twice, first as the index of a customer's open lots has it: the other index would give everybody's.
_DUE = (
    "(l.activated_at IS NULL AND l.activates_at <= %s OR l.activated_at IS NOT NULL "
    "AND COALESCE(l.expires_at, l.lapses_at) <= %s AND l.expires_at <= %s)"
)


@lru_cache(maxsize=64)
def _sql(count: int, vendor: str, currency: int) -> tuple[str, str, str, str, str]:
    """Return what locks the balances of so many customers, reads their lots, reads those that are due, looks for a source,
    and the balances' keys.

    A balance of points has its customer's key.
    """
    tables = (balance_model(currency), PointLot, PointTransaction)
    balances, lots, rows = (model._meta.db_table for model in tables)
    if count > 1 and vendor == "postgresql":
        among = "customer_id = ANY(%s::bigint[])"
    else:
        among = "customer_id " + ("= %s" if count == 1 else f"IN ({', '.join(['%s'] * count)})")
    own = among if currency == POINTS else f"{among} AND card_id = {currency:d}"
    lot = "l.id, l.customer_id, l.points, l.remaining, l.activates_at, l.activated_at, l.expires_at"
    left = f"l.{among} AND l.remaining > 0 AND l.currency = {currency:d}"
    end = " FOR UPDATE" if vendor == "postgresql" else ""
    return (
        f"SELECT customer_id, {', '.join(BALANCE)} FROM {balances} WHERE {own} ORDER BY customer_id{end}",  # noqa: S608 (our own names)
        f"SELECT {lot}, t.source FROM {lots} l JOIN {rows} t ON t.id = l.transaction_id WHERE {left}",  # noqa: S608
        f"SELECT {lot}, '' FROM {lots} l WHERE {left} AND {_DUE}",  # noqa: S608
        f"SELECT 1 FROM {rows} WHERE source = %s LIMIT 1",  # noqa: S608
        "" if currency == POINTS else f"SELECT customer_id, id FROM {balances} WHERE {own}",  # noqa: S608
    )

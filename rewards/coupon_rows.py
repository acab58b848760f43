"""The few statements between a till and its coupon, written by hand: a queue waits for them.

Both databases understand them. `docs/coupons.md` says what they decide; `benchmarks/coupons.py` what they save.
"""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import connection, models
from django.utils import timezone

from rewards.models import Coupon, CouponBatch, CouponUse

_FIND = """
SELECT {columns} FROM rewards_coupon c JOIN rewards_couponbatch b ON b.id = c.batch_id WHERE c.code_sealed IN (%s, %s)
"""
_LOOK = """
SELECT {columns},
    EXISTS (SELECT 1 FROM rewards_couponbatch_stores s WHERE s.couponbatch_id = b.id),
    EXISTS (SELECT 1 FROM rewards_couponbatch_stores s WHERE s.couponbatch_id = b.id AND s.store_id = %s),
    EXISTS (SELECT 1 FROM rewards_couponbatch_tiers t WHERE t.couponbatch_id = b.id),
    EXISTS (SELECT 1 FROM rewards_couponhold h WHERE h.coupon_id = c.id),
    (SELECT u.id FROM rewards_couponuse u WHERE u.request_key = %s)
FROM rewards_coupon c JOIN rewards_couponbatch b ON b.id = c.batch_id
WHERE c.id = %s
"""
COUNT = """
UPDATE rewards_couponbatch SET redeemed = redeemed + 1, spent = spent + %s
WHERE id = %s AND state = 'active' AND (budget IS NULL OR spent + %s <= budget)
"""
# A coupon for one use that is held for this basket may be taken, and so may a code for many while uses and the baskets
# of others leave one over.
TAKE = """
UPDATE rewards_coupon SET
    uses = uses + 1,
    state = CASE WHEN uses + 1 = uses_allowed THEN 'redeemed' ELSE 'active' END,
    reserved_until = NULL,
    reservation_key = ''
WHERE id = %s
    AND (starts_at IS NULL OR starts_at <= %s)
    AND (expires_at IS NULL OR expires_at > %s)
    AND (state = 'active' OR (state = 'reserved' AND (reserved_until <= %s OR (reservation_key = %s AND reservation_key <> ''))))
    AND uses_allowed > uses + (
        SELECT COUNT(*) FROM rewards_couponhold h
        WHERE h.coupon_id = rewards_coupon.id AND h.held_until > %s AND h.key <> %s
    )
RETURNING uses, state
"""
RECORD = """
INSERT INTO rewards_couponuse
    (coupon_id, batch_id, number, request_key, customer_id, purchase_id, store_id, discount, redeemed_at, recorded_at, by_id)
VALUES
    (%s, %s, (SELECT COALESCE(MAX(number), 0) + 1 FROM rewards_couponuse WHERE coupon_id = %s), %s, %s, %s, %s, %s, %s, %s, %s)
RETURNING id, number
"""


class Look(NamedTuple):
    """A coupon with its batch, as they are now, and what a till must know besides."""

    coupon: Coupon
    has_stores: bool
    is_in_store: bool
    has_tiers: bool
    has_holds: bool
    use_id: int | None


def find(*, seals: tuple[bytes, bytes]) -> dict[bytes, Coupon]:
    """Read the coupons of two sealed codes with their batches."""
    with connection.cursor() as cursor:
        cursor.execute(find_statement(), seals)
        coupons = [_coupon(row) for row in cursor.fetchall()]
    return {bytes(coupon.code_sealed): coupon for coupon in coupons}


def look(*, coupon_id: int, store_id: int | None = None, request_key: str = "") -> Look:
    """Read all that decides about a coupon at a store, and what the request did before, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(look_statement(), [store_id, request_key, coupon_id])
        row = cursor.fetchone()
    if row is None:
        raise Coupon.DoesNotExist
    *flags, use_id = row[-5:]
    return Look(_coupon(row[:-5]), *map(bool, flags), use_id)


def lock(*, batch_id: int) -> None:
    """Let nobody else count, reserve or redeem in a batch until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM rewards_couponbatch WHERE id = %s FOR NO KEY UPDATE", [batch_id])


def count(*, batch_id: int, discount: int) -> bool:
    """Count a use in an active batch whose budget allows it; this also locks the batch."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [discount, batch_id, discount])
        return cursor.rowcount == 1


def take(*, coupon: Coupon, now: dt.datetime, key: str) -> bool:
    """Take a coupon as long as nobody else has; it is brought up to date."""
    at = _moment(now)
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [coupon.pk, at, at, at, key, at, key])
        row = cursor.fetchone()
    if row is None:
        return False
    coupon.uses, coupon.state = row
    coupon.reserved_until, coupon.reservation_key = None, ""
    return True


def record(*, use: CouponUse) -> None:
    """Insert a use under the coupon's next number. Raises IntegrityError when its request was served meanwhile."""
    use.recorded_at = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD,
            [
                use.coupon_id, use.batch_id, use.coupon_id, use.request_key, use.customer_id, use.purchase_id, use.store_id,
                use.discount, _moment(use.redeemed_at), _moment(use.recorded_at), use.by_id,
            ],
        )  # fmt: skip
        use.pk, use.number = cursor.fetchone()
    use._state.adding = False
    use._state.db = connection.alias


def _coupon(row: Sequence[Any]) -> Coupon:
    """Return the coupon with its batch whose columns follow each other."""
    columns, of_batch = _reader("c", Coupon), _reader("b", CouponBatch)
    width = len(columns.names)
    coupon = columns.read(row[:width])
    coupon.batch = of_batch.read(row[width:])
    return coupon


class _Reader(NamedTuple):
    """How rows of a model become instances, with what this database needs to be converted."""

    model: type[models.Model]
    columns: list[str]
    names: list[str]
    converters: list[tuple[int, Any, Any]]

    def read(self, row: Sequence[Any]) -> Any:
        values = list(row)
        for index, convert, expression in self.converters:
            values[index] = convert(values[index], expression, connection)
        return self.model.from_db(connection.alias, self.names, values)


@cache
def _reader(alias: str, model: type[models.Model]) -> _Reader:
    fields = model._meta.concrete_fields
    converters = []
    for index, field in enumerate(fields):
        expression = field.get_col(alias)
        found = [*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)]
        converters += [(index, convert, expression) for convert in found]
    columns = [f"{alias}.{connection.ops.quote_name(field.column)}" for field in fields]
    return _Reader(model, columns, [field.attname for field in fields], converters)


@cache
def find_statement() -> str:
    """Return the statement of `find`."""
    return _FIND.format(columns=_columns())


@cache
def look_statement() -> str:
    """Return the statement of `look`."""
    return _LOOK.format(columns=_columns())


def _columns() -> str:
    return ", ".join([*_reader("c", Coupon).columns, *_reader("b", CouponBatch).columns])


def _moment(value: dt.datetime) -> object:
    return connection.ops.adapt_datetimefield_value(value)

"""The accounts of some customers, locked, changed in memory and written at once.

`rewards.ledger` says what may happen; this module does the bookkeeping, for one customer or for thousands alike. One
message locks and reads, one writes, and nothing is written before the block of `open_books` has decided: a refusal
leaves nothing to undo. One `Books` is one currency: the programme's points, or the stamps of one stamp card. Lock order
everywhere: the customer's balance row of points, then those of stamps by the number of the card, then lots, then coupon
batch, then coupon.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from customers import bulk, statements
from customers.bulk import Insert, Update
from customers.statements import Rows, Statement, moment
from rewards import announcements, chain
from rewards.book_questions import BALANCE, Wanted, balance_model, balances_of, questions
from rewards.models import LotAllocation, PointBalance, PointLot, PointTransaction, StampBalance
from rewards.models.points import POINTS, Account, Kind

_OWN = frozenset({"pending", "active", "held", "debt"})
_COLUMNS = (*chain.SEALED, "reason", "note", "explanation", "key_number", "mac")
_LOT = (
    "id", "customer_id", "transaction_id", "points", "remaining", "activates_at", "activated_at", "expires_at",
)  # fmt: skip
_FOREVER = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why points move: the stable key of the cause, when it happened, and who or what stands behind it."""

    source: str
    occurred_at: dt.datetime
    store_id: int | None = None
    by_id: int | None = None
    reason: str = ""
    note: str = ""
    explanation: dict[str, Any] | None = None


@dataclass(slots=True)
class OpenBalance:
    """A customer's accounts in memory, as PointBalance keeps them."""

    pending: int
    active: int
    held: int
    debt: int
    lifetime: int
    sequence: int
    mac: str
    updated_at: dt.datetime


@dataclass(slots=True)
class OpenLot:
    """A lot in memory; `pk` is empty until it is written."""

    pk: int | None
    points: int
    remaining: int
    activates_at: dt.datetime
    activated_at: dt.datetime | None
    expires_at: dt.datetime | None
    opened_by: int = -1
    source: str = ""

    @property
    def drawing_order(self) -> tuple[dt.datetime, dt.datetime, float]:
        """By expiry (never last), then activation, then age."""
        return (self.expires_at or _FOREVER, self.activates_at, self.pk if self.pk is not None else float("inf"))


@dataclass(slots=True)
class Books:
    """Locked balances and what is about to be written. Use `open_books`.

    `is_known` says that the source asked about has posted before; `claimed` and `answers` are the rows of the caller's own
    statements.
    """

    recorded_at: dt.datetime
    currency: int = POINTS
    balances: dict[int, OpenBalance] = field(default_factory=dict)
    is_known: bool = False
    claimed: Rows = field(default_factory=list)
    answers: list[Rows] = field(default_factory=list)
    others: list[Insert | Update] = field(default_factory=list)
    lots: dict[int, list[OpenLot]] = field(default_factory=lambda: defaultdict(list))
    _rows: list[list[Any]] = field(default_factory=list)
    _opened: list[tuple[int, OpenLot]] = field(default_factory=list)
    _allocations: list[tuple[int, OpenLot, int]] = field(default_factory=list)
    _changed: dict[int, OpenLot] = field(default_factory=dict)
    _ids: Sequence[int] = ()
    _spare: dict[type[models.Model], list[int]] = field(default_factory=dict)
    _balance_keys: dict[int, int] = field(default_factory=dict)

    def post(
        self,
        customer_id: int,
        kind: Kind,
        origin: Account,
        target: Account,
        points: int,
        cause: Cause,
        reverses_id: int | None = None,
    ) -> int:
        """Move points between two accounts of one customer; return the row's place among those to be written."""
        balance = self.balances[customer_id]
        origin, target = origin.value, target.value
        if origin in _OWN:
            setattr(balance, origin, getattr(balance, origin) - points)
        if target in _OWN:
            setattr(balance, target, getattr(balance, target) + points)
        balance.sequence += 1
        balance.updated_at = self.recorded_at
        after = (balance.pending, balance.active, balance.held, balance.debt)
        sealed = (
            customer_id, balance.sequence, kind.value, origin, target, points, cause.source, cause.occurred_at,
            self.recorded_at, reverses_id, cause.store_id, cause.by_id, *after,
        )  # fmt: skip
        key_number = chain.signing_key_number()
        balance.mac = chain.seal(balance.mac, sealed, key_number, self.currency)
        self._rows.append([*sealed, cause.reason, cause.note, cause.explanation, key_number, balance.mac])
        return len(self._rows) - 1

    @property
    def posted(self) -> int:
        """How many rows are about to be written."""
        return len(self._rows)

    def open_lot(
        self,
        customer_id: int,
        row: int,
        points: int,
        activates_at: dt.datetime,
        expires_at: dt.datetime | None,
        *,
        is_active: bool,
    ) -> None:
        """Open a lot for the points of a posted row."""
        lot = OpenLot(None, points, points, activates_at, activates_at if is_active else None, expires_at, row)
        self.lots[customer_id].append(lot)
        self._opened.append((customer_id, lot))

    def allocate(self, row: int, lot: OpenLot, points: int) -> None:
        """Take points out of a lot (negative) or put them back (positive), on account of a posted row."""
        lot.remaining += points
        self._allocations.append((row, lot, points))
        if lot.pk is not None:
            self._changed[lot.pk] = lot

    def draw(
        self, customer_id: int, row: int, points: int, lots: Collection[OpenLot] | None = None
    ) -> list[tuple[OpenLot, int]]:
        """Take points from the spendable lots, those that expire first before the others (or from the lots given).

        Return what was taken from each.
        """
        drawn = []
        for lot in sorted(self.spendable(customer_id), key=lambda lot: lot.drawing_order) if lots is None else lots:
            if taken := min(points, lot.remaining):
                self.allocate(row, lot, -taken)
                drawn.append((lot, taken))
                points -= taken
            if not points:
                return drawn
        raise AssertionError(
            f"customer {customer_id}: the lots hold {points} points less than the balance; run prove_books"
        )

    def spendable(self, customer_id: int) -> list[OpenLot]:
        """Return the active lots of a customer with something left."""
        return [lot for lot in self.lots[customer_id] if lot.activated_at is not None and lot.remaining]

    def activate(self, lot: OpenLot) -> None:
        """Mark a pending lot as spendable from its own day on."""
        lot.activated_at = lot.activates_at
        if lot.pk is not None:
            self._changed[lot.pk] = lot

    def transaction(self, row: int) -> PointTransaction:
        """Return a written row as a model; only after the books were written."""
        values = dict(zip(_COLUMNS, self._rows[row], strict=True))
        written = PointTransaction(id=self._ids[row], currency=self.currency, **values)
        written._state.adding, written._state.db = False, connection.alias
        return written

    def write(self) -> None:
        """Write everything, and `others` with it; the database's constraints have the last word."""
        self._ids = self._keys(PointTransaction, len(self._rows))
        bulk.write([*self.others, *self._sets()])
        if self.currency == POINTS:
            announcements.points_changed(self._ids, self._rows)

    def _sets(self) -> list[Insert | Update]:
        if not self._rows:
            return []
        touched = sorted({row[0] for row in self._rows})
        # What rows of points need not say: the database knows it.
        named, said = (("currency",), (self.currency,)) if self.currency != POINTS else ((), ())
        return [
            Insert(
                PointTransaction, ("id", *_COLUMNS, *named),
                [[pk, *row, *said] for pk, row in zip(self._ids, self._rows, strict=True)],
            ),
            Insert(PointLot, (*_LOT, *named), [[*row, *said] for row in self._new_lots()]),
            Insert(LotAllocation, ("transaction_id", "lot_id", "points"), self._new_allocations()),
            Update(
                PointLot, ("remaining", "activated_at"),
                [[pk, lot.remaining, lot.activated_at] for pk, lot in sorted(self._changed.items())],
            ),
            Update(
                balance_model(self.currency), BALANCE,
                [[self._balance_keys.get(pk, pk), *_values(self.balances[pk])] for pk in touched],
            ),
        ]  # fmt: skip

    def _new_lots(self) -> list[list[object]]:
        keys = self._keys(PointLot, len(self._opened))
        for pk, (__, lot) in zip(keys, self._opened, strict=True):
            lot.pk = pk
        return [
            [
                lot.pk, customer_id, self._ids[lot.opened_by], lot.points, lot.remaining, lot.activates_at,
                lot.activated_at, lot.expires_at,
            ]
            for customer_id, lot in self._opened
        ]  # fmt: skip

    def _new_allocations(self) -> list[list[object]]:
        summed: dict[tuple[int, int], int] = defaultdict(int)
        for row, lot, points in self._allocations:
            summed[self._ids[row], lot.pk] += points
        return [[*key, points] for key, points in summed.items() if points]

    def _keys(self, model: type[models.Model], count: int) -> Sequence[int]:
        spare = self._spare.get(model, ())
        return spare[:count] if len(spare) >= count else bulk.reserve_ids(model, count)


def _values(balance: OpenBalance) -> tuple[object, ...]:
    return (
        balance.pending, balance.active, balance.held, balance.debt, balance.lifetime, balance.sequence, balance.mac,
        balance.updated_at,
    )  # fmt: skip


@contextmanager
def open_books(
    customer_ids: Collection[int],
    *,
    with_lots: bool = False,
    due_at: dt.datetime | None = None,
    source: str = "",
    claim: Statement | None = None,
    also: Sequence[Statement] = (),
    currency: int = POINTS,
) -> Iterator[Books]:
    """Lock the balances of some customers, hand them out, and write what was posted when the block ends.

    One transaction, or a part of the caller's: whoever catches a failed write goes back to a savepoint. Customers without a
    balance row get one. With `due_at` only the lots are read that become spendable or expire by then; whoever has no
    balance has none of those, and is left out. In the message of the lock, and after it, `source` is looked for among the
    transactions, `also` reads, and `claim` inserts.
    """
    with _inside_a_transaction():
        books = Books(recorded_at=timezone.now(), currency=currency)
        _read(books, sorted(set(customer_ids)), Wanted(with_lots, due_at, source, claim, also))
        yield books
        with transaction.atomic(savepoint=False):
            books.write()


@contextmanager
def _inside_a_transaction() -> Iterator[None]:
    if connection.in_atomic_block:
        yield
    else:
        with transaction.atomic():
            yield


def _read(books: Books, customer_ids: list[int], wanted: Wanted) -> None:
    if len(customer_ids) > 1 and not wanted.due_at:
        # Made before any is locked, and in order: two batches over the same newcomers never wait for each other in a circle.
        rows = balances_of(books.currency).filter(customer_id__in=customer_ids)
        known = set(rows.values_list("customer_id", flat=True))
        _create([pk for pk in customer_ids if pk not in known], books.currency)
    asked = questions(customer_ids, wanted, books.currency)
    reads = [*asked.values(), *wanted.also]
    found = statements.run(*reads, *([wanted.claim] if wanted.claim else []))
    if wanted.claim:
        books.claimed = found.pop()
    if customer_ids and len(found[0]) < len(customer_ids) and not wanted.due_at:
        # A newcomer: whatever was read before there was a row to lock is read again.
        _create(customer_ids, books.currency)
        found = statements.run(*reads)
    answers, books.answers = dict(zip(asked, found, strict=False)), found[len(asked) :]
    for pk, *values, updated_at in answers.pop(PointBalance, ()):
        books.balances[pk] = OpenBalance(*values, moment(updated_at))
    books._balance_keys = dict(answers.pop(StampBalance, ()))
    for pk, customer_id, points, remaining, activates_at, activated_at, expires_at, opener in answers.pop("lots", ()):
        books.lots[customer_id].append(
            OpenLot(
                pk, points, remaining, moment(activates_at), moment(activated_at), moment(expires_at), source=opener
            )
        )
    books.is_known = bool(answers.pop("source", ()))
    books._spare = {model: [pk for (pk,) in keys] for model, keys in answers.items()}


def _create(customer_ids: list[int], currency: int) -> None:
    model, named = balance_model(currency), {} if currency == POINTS else {"card_id": currency}
    model.objects.bulk_create([model(customer_id=pk, **named) for pk in customer_ids], ignore_conflicts=True)

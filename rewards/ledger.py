"""The only writer of points, and of the stamps of stamp cards, which are currencies of their own in the same books.

Every function takes the stable key of its cause (`source`) and posts it once, for ever: the same cause again returns the
first transaction, the same key with another meaning raises SourceConflict. Points are whole numbers. docs/points.md
explains the accounts and works through the numbers.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q

from customers.models import Customer, Store, User
from rewards import freezes, lineage, postings
from rewards.books import Books, Cause, open_books
from rewards.dates import end_of_month_after
from rewards.models import PointLot, PointTransaction
from rewards.models.points import POINTS, Account, Kind
from rewards.point_refusals import (
    REINSTATE_DAYS,
    InsufficientPoints,
    ReversalTooLarge,
    SourceConflict,
    SpendingFrozen,
    TooLateToReinstate,
)

ADJUSTMENT_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """Points for one cause; without `activates_at` they can be spent from `occurred_at` on, without `expires_at` for ever.

    With `inactive_months` they end so many months after the customer's last activity (`rewards.absence`).
    """

    customer_id: int
    points: int
    source: str
    occurred_at: dt.datetime
    activates_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    store_id: int | None = None
    by_id: int | None = None
    reason: str = ""
    note: str = ""
    explanation: dict[str, Any] | None = None
    inactive_months: int | None = None
    currency: int = POINTS

    @property
    def cause(self) -> Cause:
        """What the books keep of it."""
        return Cause(
            source=self.source, occurred_at=self.occurred_at, store_id=self.store_id, by_id=self.by_id,
            reason=self.reason, note=self.note, explanation=self.explanation,
        )  # fmt: skip


def lock(*, customer_ids: Iterable[int]) -> None:
    """Take the locks of some customers' points for the rest of the caller's transaction, before any other lock."""
    with open_books(list(customer_ids)):
        pass


def earn(
    *,
    customer: Customer,
    points: int,
    source: str,
    occurred_at: dt.datetime,
    activates_at: dt.datetime | None = None,
    expires_at: dt.datetime | None = None,
    explanation: dict[str, Any] | None = None,
    store: Store | None = None,
    by: User | None = None,
    note: str = "",
) -> PointTransaction:
    """Award points once per source and return the transaction.

    A debt is absorbed first; the rest opens a lot, pending until `activates_at`. Raises SourceConflict, and ValueError
    for points below 1.
    """
    cause = Cause(
        source=source, occurred_at=occurred_at, store_id=store and store.pk, by_id=by and by.pk,
        note=note, explanation=explanation,
    )  # fmt: skip
    with open_books([customer.pk], source=source) as books:
        if earlier := _posted(books, cause, Kind.EARN, customer.pk, points):
            return earlier[-1]
        row = postings.credit(
            books, customer.pk, _positive(points), Kind.EARN, cause, activates_at=activates_at, expires_at=expires_at
        )
    return books.transaction(row)


def earn_many(awards: Iterable[Award]) -> int:
    """Award points for many new causes in one go and return how many points.

    For causes that cannot have been booked before, such as purchases inserted in the same transaction: a repeated source
    raises IntegrityError and nothing is booked.
    """
    awards = list(awards)
    with open_books({award.customer_id for award in awards}) as books:
        for award in awards:
            book_award(books, award)
    return sum(award.points for award in awards)


def book_award(books: Books, award: Award) -> None:
    """Book an award for a new cause on books that are open."""
    postings.credit(
        books, award.customer_id, _positive(award.points), Kind.EARN, award.cause,
        activates_at=award.activates_at, expires_at=award.expires_at,
    )  # fmt: skip


def redeem(
    *,
    customer: Customer,
    points: int,
    source: str,
    occurred_at: dt.datetime,
    store: Store | None = None,
    by: User | None = None,
    note: str = "",
) -> PointTransaction:
    """Spend points once per source and return the transaction.

    Draws on the lots that expire first; what is past its expiry cannot be spent. Raises InsufficientPoints when fewer than
    points are active, SourceConflict, and ValueError for points below 1.
    """
    cause = Cause(source=source, occurred_at=occurred_at, store_id=store and store.pk, by_id=by and by.pk, note=note)
    return _debit(customer, _positive(points), Kind.REDEEM, Account.REDEEMED, cause)


def adjust(
    *,
    customer: Customer,
    points: int,
    source: str,
    occurred_at: dt.datetime,
    reason: str,
    by: User,
    note: str = "",
    explanation: dict[str, Any] | None = None,
) -> PointTransaction:
    """Give (above 0) or take (below 0) points by hand, once per source, and return the transaction.

    Given points expire like earned ones: after 12 months, at the end of that month. Raises InsufficientPoints when more is
    taken than is active, SourceConflict, and ValueError for 0 points.
    """
    cause = Cause(
        source=source, occurred_at=occurred_at, by_id=by.pk, reason=reason, note=note, explanation=explanation
    )
    if points < 0:
        return _debit(customer, -points, Kind.ADJUST, Account.WRITTEN_OFF, cause)
    expires_at = end_of_month_after(occurred_at, ADJUSTMENT_MONTHS)
    with open_books([customer.pk], source=source) as books:
        if earlier := _posted(books, cause, Kind.ADJUST, customer.pk, points):
            return earlier[-1]
        row = postings.credit(books, customer.pk, _positive(points), Kind.ADJUST, cause, expires_at=expires_at)
    return books.transaction(row)


def reverse_award(
    *,
    award: PointTransaction,
    points: int,
    source: str,
    occurred_at: dt.datetime,
    by: User | None = None,
    note: str = "",
) -> list[PointTransaction]:
    """Take back points of an award, once per source, and return the transactions.

    Draws on the award's own lot (pending or active, in whatever record a merge moved it to), counts what expired out of that
    unspent, then draws on the customer's other lots in order, and books what is missing as debt, which later awards absorb,
    or writes it off (CLAMP_RETURNS). Locks every record that holds such lots: inside a transaction that holds one of these
    locks, the caller holds them all.
    Raises ReversalTooLarge when all reversals together would exceed the award, SourceConflict, and ValueError for points
    below 1.
    """
    cause = Cause(source=source, occurred_at=occurred_at, store_id=award.store_id, by_id=by and by.pk, note=note)
    moved = lineage.moved_lots(award)
    holders = {award.customer_id, *(lot.customer_id for lot in moved)}
    own = Q(transaction__source=award.source) | Q(pk__in=[lot.pk for lot in moved])
    if PointLot.all_currencies.filter(own, remaining__gt=0, expires_at__lte=occurred_at).exists():
        # The expiry must stand in the books before a reversal can count it.
        settle_many(customer_ids=holders, now=occurred_at, currency=award.currency)
    with open_books(holders, with_lots=True, source=source, currency=award.currency) as books:
        if earlier := _posted(
            books, cause, Kind.REVERSE, award.customer_id, -points, reverses_id=award.pk, to_account=Account.REVERSED
        ):
            return earlier
        legs = PointTransaction.all_currencies.filter(source=award.source, kind=Kind.EARN).order_by("sequence")
        _refuse_too_much(list(legs), _positive(points))
        for holder in holders:
            postings.settle(books, holder, occurred_at)
        rows = postings.take_back(
            books, award, points, cause, moved=[lot.pk for lot in moved], writes_off=settings.CLAMP_RETURNS
        )
    return [books.transaction(row) for row in rows]


def restore(
    *,
    spent: PointTransaction,
    points: int,
    source: str,
    occurred_at: dt.datetime,
    by: User | None = None,
    note: str = "",
) -> list[PointTransaction]:
    """Give spent points back to the lots they came from, once per source, and return the transactions.

    The lot drawn last gets its points back first, with its own expiry; what came from a lot that expired meanwhile comes
    back as a lot of 30 days. Raises ReversalTooLarge when more would come back than was spent, SourceConflict, and
    ValueError for points below 1.
    """
    cause = Cause(source=source, occurred_at=occurred_at, store_id=spent.store_id, by_id=by and by.pk, note=note)
    with open_books([spent.customer_id], with_lots=True, source=source, currency=spent.currency) as books:
        if earlier := _posted(
            books, cause, Kind.REVERSE, spent.customer_id, points, reverses_id=spent.pk, from_account=Account.REDEEMED
        ):
            return earlier
        _refuse_too_much([spent], _positive(points))
        postings.settle(books, spent.customer_id, occurred_at)
        rows = postings.give_back(books, spent, points, cause)
    return [books.transaction(row) for row in rows]


def reinstate(
    *,
    expired: PointTransaction,
    source: str,
    occurred_at: dt.datetime,
    reason: str,
    by: User,
    note: str = "",
    explanation: dict[str, Any] | None = None,
) -> PointTransaction:
    """Bring expired points back for 30 days, once per source, and return the transaction.

    Raises TooLateToReinstate more than 30 days after the expiry, ReversalTooLarge when nothing of it is left to bring back,
    and SourceConflict.
    """
    if occurred_at - expired.occurred_at > dt.timedelta(days=REINSTATE_DAYS):
        raise TooLateToReinstate(expired=expired)
    cause = Cause(
        source=source, occurred_at=occurred_at, by_id=by.pk, reason=reason, note=note, explanation=explanation
    )
    with open_books([expired.customer_id], source=source) as books:
        points = expired.points
        if earlier := _posted(books, cause, Kind.REINSTATE, expired.customer_id, points, reverses_id=expired.pk):
            return earlier[-1]
        _refuse_too_much([expired], points)
        row = postings.credit(
            books, expired.customer_id, points, Kind.REINSTATE, cause, origin=Account.EXPIRED,
            expires_at=postings.restored_until(occurred_at), reverses_id=expired.pk,
        )  # fmt: skip
    return books.transaction(row)


def settle_many(*, customer_ids: Iterable[int], now: dt.datetime, currency: int = POINTS) -> int:
    """Activate and expire what is due for some customers and return how many transactions that took.

    A second time changes nothing.
    """
    return _for_each(customer_ids, now, postings.settle, currency)


def activate_many(*, customer_ids: Iterable[int], now: dt.datetime) -> int:
    """Make spendable what is due for some customers and return how many transactions that took; again changes nothing."""
    return _for_each(customer_ids, now, postings.activate_due)


def expire_many(*, customer_ids: Iterable[int], now: dt.datetime, currency: int = POINTS) -> int:
    """Expire what is due for some customers and return how many transactions that took; again changes nothing."""
    return _for_each(customer_ids, now, postings.expire_due, currency)


def _for_each(
    customer_ids: Iterable[int],
    now: dt.datetime,
    book: Callable[[Books, int, dt.datetime], None],
    currency: int = POINTS,
) -> int:
    with open_books(list(customer_ids), due_at=now, currency=currency) as books:
        for customer_id in books.balances:
            book(books, customer_id, now)
        return books.posted


def _debit(customer: Customer, points: int, kind: Kind, target: Account, cause: Cause) -> PointTransaction:
    with open_books([customer.pk], with_lots=True, source=cause.source) as books:
        if earlier := _posted(books, cause, kind, customer.pk, -points):
            return earlier[-1]
        row = book_debit(books, customer.pk, points, kind, target, cause)
    return books.transaction(row)


def book_debit(books: Books, customer_id: int, points: int, kind: Kind, target: Account, cause: Cause) -> int:
    """Take active points out for a new cause, on books that are open with their lots, and return the row.

    Raises InsufficientPoints and, for what is spent, SpendingFrozen.
    """
    if kind is Kind.REDEEM:
        refuse_frozen(points)
    postings.settle(books, customer_id, cause.occurred_at)
    available = books.balances[customer_id].active
    if available < points:
        raise InsufficientPoints(needed=points, available=available)
    return postings.debit(books, customer_id, points, kind, target, cause)


def refuse_frozen(points: int) -> None:
    """Raise SpendingFrozen while all spending is stopped."""
    if freezes.is_frozen():
        raise SpendingFrozen(needed=points)


def _posted(
    books: Books,
    cause: Cause,
    kind: Kind,
    customer_id: int,
    signed: int,
    *,
    reverses_id: int | None = None,
    **accounts: Account,
) -> list[PointTransaction]:
    """Return what the cause has posted already, empty at the first time; refuse another meaning of the same key.

    `signed` is as the customer counts: above 0 what comes in, below what goes out. The books were opened for the source.
    """
    if not books.is_known:
        return []
    rows = PointTransaction.all_currencies.filter(source=cause.source, kind=kind, **accounts)
    earlier = list(rows.order_by("sequence"))
    if earlier:
        first, moved = earlier[0], sum(row.signed for row in earlier)
        if (moved, first.customer_id, first.reverses_id) != (signed, customer_id, reverses_id):
            raise SourceConflict(source=cause.source)
    return earlier


def _refuse_too_much(rows: list[PointTransaction], points: int) -> None:
    left = sum(row.points - postings.already_reversed(row) for row in rows)
    if points > left:
        raise ReversalTooLarge(points=points, left=left)


def _positive(points: int) -> int:
    if points < 1:
        raise ValueError(f"points must be 1 or more, not {points}")
    return points

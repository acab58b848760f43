"""Holds: points set aside for a purchase that is not finished, spent in whole or in part, or given back."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import Customer, Store, User
from rewards import postings
from rewards.books import Books, Cause, open_books
from rewards.ledger import InsufficientPoints, SourceConflict, refuse_frozen
from rewards.models import PointHold, PointTransaction
from rewards.models.points import Account, Kind


class HoldClosed(Exception):
    """The hold was spent, released or has lapsed; nothing was changed."""

    def __init__(self, *, hold: PointHold) -> None:
        self.hold = hold
        super().__init__(_("These points are no longer on hold: %(state)s.") % {"state": hold.get_state_display()})


class HoldTooSmall(Exception):
    """More would be spent than was put on hold; nothing was changed."""

    def __init__(self, *, hold: PointHold, points: int) -> None:
        self.hold, self.points = hold, points
        super().__init__(
            _("%(points)d points cannot be spent, only %(held)d are on hold.") % {"points": points, "held": hold.points}
        )


def place(
    *,
    customer: Customer,
    points: int,
    source: str,
    occurred_at: dt.datetime,
    expires_at: dt.datetime,
    store: Store | None = None,
    by: User | None = None,
) -> PointHold:
    """Set active points aside until a deadline, once per source, and return the hold.

    Draws like spending does. Raises InsufficientPoints, SourceConflict, and ValueError for points below 1 or a deadline
    that has passed.
    """
    if points < 1 or expires_at <= occurred_at:
        raise ValueError("a hold needs points and a deadline in the future")
    cause = Cause(source=source, occurred_at=occurred_at, store_id=store and store.pk, by_id=by and by.pk)
    with transaction.atomic():
        with open_books([customer.pk], with_lots=True) as books:
            if earlier := PointHold.objects.filter(source=source).first():
                if (earlier.customer_id, earlier.points) != (customer.pk, points):
                    raise SourceConflict(source=source)
                return earlier
            refuse_frozen(points)
            postings.settle(books, customer.pk, occurred_at)
            available = books.balances[customer.pk].active
            if available < points:
                raise InsufficientPoints(needed=points, available=available)
            row = postings.debit(books, customer.pk, points, Kind.HOLD, Account.HELD, cause)
        return PointHold.objects.create(
            customer=customer, transaction=books.transaction(row), source=source, points=points, placed_at=occurred_at,
            expires_at=expires_at, store=store, by=by,
        )  # fmt: skip


def capture(*, hold: PointHold, occurred_at: dt.datetime, points: int | None = None) -> PointTransaction:
    """Spend the points of a hold, all of them or fewer, and return the transaction; the rest is given back.

    Once per hold: the same number again returns the first transaction. Raises HoldClosed and HoldTooSmall.
    """
    wanted = hold.points if points is None else points
    spent = Cause(source=f"{hold.source}:capture", occurred_at=occurred_at, store_id=hold.store_id, by_id=hold.by_id)
    with open_books([hold.customer_id], with_lots=True) as books:
        try:
            row = book_capture(books, hold, wanted, spent, now=occurred_at)
        except HoldClosed:
            if hold.state == PointHold.State.CAPTURED and hold.captured == wanted:
                return PointTransaction.objects.get(reverses=hold.transaction_id, kind=Kind.REDEEM)
            raise
    return books.transaction(row)


def book_capture(books: Books, hold: PointHold, points: int, cause: Cause, *, now: dt.datetime) -> int:
    """Spend points of a hold for a new cause and give the rest back, on books that are open with their lots; return the row.

    Raises HoldClosed when it is no longer open at `now`, HoldTooSmall and SpendingFrozen.
    """
    hold.refresh_from_db()
    _refuse_closed(hold, now)
    if not 0 < points <= hold.points:
        raise HoldTooSmall(hold=hold, points=points)
    refuse_frozen(points)
    _release(books, hold, hold.points - points, now)
    row = books.post(hold.customer_id, Kind.REDEEM, Account.HELD, Account.REDEEMED, points, cause, hold.transaction_id)
    _close(hold, PointHold.State.CAPTURED, now, captured=points)
    return row


def release(*, hold: PointHold, occurred_at: dt.datetime) -> PointHold:
    """Give the points of a hold back to their lots and return the hold; again changes nothing. Raises HoldClosed."""
    with open_books([hold.customer_id], with_lots=True) as books:
        hold.refresh_from_db()
        if hold.state in (PointHold.State.RELEASED, PointHold.State.LAPSED):
            return hold
        _refuse_closed(hold, None)
        _release(books, hold, hold.points, occurred_at)
        _close(hold, PointHold.State.RELEASED, occurred_at)
    return hold


def release_lapsed(*, now: dt.datetime) -> int:
    """Give back what is past its deadline, one hold at a time, and return how many; a second run changes nothing."""
    released = 0
    for hold in PointHold.objects.filter(state=PointHold.State.OPEN, expires_at__lte=now).order_by("expires_at", "pk"):
        with open_books([hold.customer_id], with_lots=True) as books:
            hold.refresh_from_db()
            if hold.state != PointHold.State.OPEN:
                continue
            _release(books, hold, hold.points, hold.expires_at)
            _close(hold, PointHold.State.LAPSED, hold.expires_at)
        released += 1
    return released


def _refuse_closed(hold: PointHold, now: dt.datetime | None) -> None:
    if hold.state != PointHold.State.OPEN or (now is not None and hold.expires_at <= now):
        raise HoldClosed(hold=hold)


def _release(books: Books, hold: PointHold, points: int, occurred_at: dt.datetime) -> None:
    if points:
        cause = Cause(source=f"{hold.source}:release", occurred_at=occurred_at, store_id=hold.store_id)
        postings.give_back(books, hold.transaction, points, cause, kind=Kind.RELEASE, origin=Account.HELD)


def _close(hold: PointHold, state: PointHold.State, now: dt.datetime, *, captured: int = 0) -> None:
    hold.state, hold.closed_at, hold.captured = state, now, captured
    hold.save(update_fields=["state", "closed_at", "captured"])

"""Points that go from one customer to another, with the expiry they had."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import Customer, User
from rewards import absence, point_letters, postings
from rewards.books import Cause, open_books
from rewards.ledger import InsufficientPoints, SourceConflict, refuse_frozen
from rewards.models import PointTransaction
from rewards.models.points import Account, Kind


class TransferToSelf(Exception):
    """Giver and receiver are the same customer; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(_("Points cannot be transferred to the same customer."))


def transfer(
    *,
    giver: Customer,
    receiver: Customer,
    points: int,
    source: str,
    occurred_at: dt.datetime,
    by: User | None = None,
    note: str = "",
) -> PointTransaction:
    """Move active points to another customer, once per source, and return the giver's transaction.

    Each lot that was drawn becomes a lot of the receiver with the same expiry; a debt of the receiver absorbs first. The
    giver is told by mail. Both
    customers are locked in the order of their keys. Raises InsufficientPoints, TransferToSelf, SourceConflict, and
    ValueError for points below 1.
    """
    if points < 1:
        raise ValueError(f"points must be 1 or more, not {points}")
    if giver.pk == receiver.pk:
        raise TransferToSelf
    cause = Cause(source=source, occurred_at=occurred_at, by_id=by and by.pk, note=note)
    with transaction.atomic():
        posted = _move(giver, receiver, points, cause)
        point_letters.left(posted)
    return posted


def _move(giver: Customer, receiver: Customer, points: int, cause: Cause) -> PointTransaction:
    source, occurred_at, note, arrivals = cause.source, cause.occurred_at, cause.note, []
    with open_books([giver.pk, receiver.pk], with_lots=True) as books:
        if earlier := _posted(source, giver, receiver, points):
            return earlier
        refuse_frozen(points)
        postings.settle(books, giver.pk, occurred_at)
        available = books.balances[giver.pk].active
        if available < points:
            raise InsufficientPoints(needed=points, available=available)
        row = books.post(giver.pk, Kind.TRANSFER, Account.ACTIVE, Account.TRANSFERRED, points, cause)
        for number, (lot, taken) in enumerate(books.draw(giver.pk, row, points), 1):
            arrival = Cause(source=f"{source}:{number}", occurred_at=occurred_at, by_id=cause.by_id, note=note)
            postings.credit(
                books, receiver.pk, taken, Kind.TRANSFER, arrival, origin=Account.TRANSFERRED, expires_at=lot.expires_at
            )
            if lot.expires_at is None:
                arrivals.append((arrival.source, lot.pk))
    absence.pass_on(arrivals)
    return books.transaction(row)


def _posted(source: str, giver: Customer, receiver: Customer, points: int) -> PointTransaction | None:
    earlier = PointTransaction.objects.filter(source=source, kind=Kind.TRANSFER).first()
    if earlier is not None:
        arrival = PointTransaction.objects.filter(source=f"{source}:1", kind=Kind.TRANSFER).first()
        meaning = (earlier.customer_id, arrival and arrival.customer_id, earlier.points)
        if meaning != (giver.pk, receiver.pk, points):
            raise SourceConflict(source=source)
    return earlier

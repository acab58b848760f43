"""Points and stamps of two records that become one: every lot moves with its own days, debts move too, and all of it can go back.

A merge posts transfers in the books of both, one per lot, so that an undo finds what came from where. What reaches the
duplicate later, by a return or a hold that ends, is carried over the same way (`carry_over`). docs/privacy.md has the rules.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, Sum

from customers.models import CustomerMerge
from rewards import absence, postings
from rewards.books import Books, Cause, OpenLot, open_books
from rewards.models import LotAllocation, PointBalance, PointTransaction, StampBalance
from rewards.models.points import POINTS, Account, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """From whom to whom, why, and when. `source` begins every key of the movements."""

    giver_id: int
    receiver_id: int
    source: str
    now: dt.datetime
    by_id: int | None = None

    def cause(self, key: str) -> Cause:
        """Return the cause of one movement."""
        return Cause(source=f"{self.source}:{key}", occurred_at=self.now, by_id=self.by_id)


def move_points(sides: Sides, *, currency: int = POINTS) -> int:
    """Move everything that a customer has and owes in one currency, and return how many rows that took.

    Held points stay where they are until their hold ends. Again moves what has come since.
    """
    arrivals: list[tuple[str, int]] = []
    with open_books([sides.giver_id, sides.receiver_id], with_lots=True, currency=currency) as books:
        for customer_id in (sides.giver_id, sides.receiver_id):
            postings.settle(books, customer_id, sides.now)
        before = books.posted
        key = f"{currency}:{books.balances[sides.giver_id].sequence}"
        lots = [lot for lot in books.lots[sides.giver_id] if lot.remaining and lot.pk is not None]
        for lot in sorted(lots, key=lambda lot: lot.drawing_order):
            arrivals += _move_lot(books, sides, lot, f"{key}:{lot.pk}")
        if owed := -books.balances[sides.giver_id].debt:
            _move_debt(books, sides, owed, f"{key}:debt")
        posted = books.posted - before
    absence.pass_on(arrivals)
    return posted


def _move_lot(books: Books, sides: Sides, lot: OpenLot, key: str) -> list[tuple[str, int]]:
    """Move one lot with its days; return what a lot that ends by absence has to take along."""
    origin = Account.PENDING if lot.activated_at is None else Account.ACTIVE
    points = lot.remaining
    row = books.post(sides.giver_id, Kind.TRANSFER, origin, Account.TRANSFERRED, points, sides.cause(f"{key}:out"))
    books.draw(sides.giver_id, row, points, [lot])
    arrival = sides.cause(f"{key}:in")
    postings.credit(
        books, sides.receiver_id, points, Kind.TRANSFER, arrival, origin=Account.TRANSFERRED,
        activates_at=lot.activates_at, expires_at=lot.expires_at,
    )  # fmt: skip
    return [(arrival.source, lot.pk)] if lot.expires_at is None and lot.pk is not None else []


def _move_debt(books: Books, sides: Sides, owed: int, key: str) -> None:
    """Let the receiver owe what the giver owed: whoever owes has no points, so theirs pay first."""
    out = sides.cause(f"{key}:out")
    books.post(sides.giver_id, Kind.TRANSFER, Account.TRANSFERRED, Account.DEBT, owed, out)
    _take(books, sides.receiver_id, owed, sides.cause(f"{key}:in"))


def _take(books: Books, customer_id: int, points: int, cause: Cause) -> None:
    """Take points out of a customer's lots in the order of spending, pending ones too, and book what is missing as debt."""
    for account in (Account.ACTIVE, Account.PENDING):
        lots = [
            lot
            for lot in books.lots[customer_id]
            if lot.remaining and (lot.activated_at is None) is (account == Account.PENDING)
        ]
        if taken := min(points, sum(lot.remaining for lot in lots)):
            row = books.post(customer_id, Kind.TRANSFER, account, Account.TRANSFERRED, taken, cause)
            books.draw(customer_id, row, taken, sorted(lots, key=lambda lot: lot.drawing_order))
            points -= taken
    if points:
        books.post(customer_id, Kind.TRANSFER, Account.DEBT, Account.TRANSFERRED, points, cause)


def return_points(sides: Sides, *, merged: str, currency: int = POINTS) -> int:
    """Give back what a merge moved, as far as it is still there, and return how many rows that took.

    `sides` are those of the way back and `merged` began the keys of the merge. Each lot gets what is left of it, and what it
    paid of the other's debt; what was spent since stays spent. A debt goes back as a whole.
    """
    with open_books([sides.giver_id, sides.receiver_id], with_lots=True, currency=currency) as books:
        for customer_id in (sides.giver_id, sides.receiver_id):
            postings.settle(books, customer_id, sides.now)
        before = books.posted
        rows = PointTransaction.all_currencies.filter(
            source__startswith=f"{merged}:{currency}:", kind=Kind.TRANSFER, customer=sides.receiver_id
        )
        for row in rows.order_by("sequence"):
            if row.to_account == Account.DEBT and row.source.endswith(":debt:out"):
                _return_debt(books, sides, row)
            elif row.source.endswith(":out"):
                _return_lot(books, sides, row)
        return books.posted - before


def _return_lot(books: Books, sides: Sides, left: PointTransaction) -> None:
    """Put back into a lot what is left of its arrival; `left` is the row by which it went."""
    arrival = left.source.removesuffix(":out") + ":in"
    rows = PointTransaction.all_currencies.filter(source=arrival, kind=Kind.TRANSFER)
    paid = rows.filter(to_account=Account.DEBT).aggregate(total=Sum("points"))["total"] or 0
    lot = next((one for one in books.lots[sides.giver_id] if one.source == arrival and one.remaining), None)
    cause = sides.cause(left.source.removesuffix(":out"))
    there = lot.remaining if lot else 0
    if lot is not None:
        account = Account.PENDING if lot.activated_at is None else Account.ACTIVE
        row = books.post(sides.giver_id, Kind.TRANSFER, account, Account.TRANSFERRED, there, cause)
        books.draw(sides.giver_id, row, there, [lot])
    if paid:
        _take(books, sides.giver_id, paid, sides.cause(left.source.removesuffix(":out") + ":paid"))
    if there + paid:
        ((__, lot_before, __),) = _drawn(books, left)
        _refill(books, sides.receiver_id, lot_before, there + paid, cause)


def _refill(books: Books, customer_id: int, lot: OpenLot, points: int, cause: Cause) -> None:
    """Give points back to the lot they came from; a debt absorbs first, and an ended lot comes back for 30 days."""
    now = cause.occurred_at
    if absorbed := min(points, -books.balances[customer_id].debt):
        books.post(customer_id, Kind.TRANSFER, Account.TRANSFERRED, Account.DEBT, absorbed, cause)
    if not (rest := points - absorbed):
        return
    if lot.expires_at is not None and lot.expires_at <= now:
        row = books.post(customer_id, Kind.TRANSFER, Account.TRANSFERRED, Account.ACTIVE, rest, cause)
        books.open_lot(customer_id, row, rest, now, postings.restored_until(now), is_active=True)
        return
    if lot.activated_at is None and lot.activates_at <= now:
        books.activate(lot)
    account = Account.PENDING if lot.activated_at is None else Account.ACTIVE
    row = books.post(customer_id, Kind.TRANSFER, Account.TRANSFERRED, account, rest, cause)
    books.allocate(row, lot, rest)


def _drawn(books: Books, row: PointTransaction) -> list[tuple[int, OpenLot, int]]:
    """Return which lots a movement drew on: key of the allocation, the lot as it stands now, and how much."""
    known = {lot.pk: lot for lot in books.lots[row.customer_id]}
    drawn = []
    for each in LotAllocation.objects.select_related("lot").filter(transaction=row).order_by("pk"):
        found = each.lot
        lot = known.get(found.pk)
        if lot is None:
            lot = OpenLot(
                found.pk, found.points, found.remaining, found.activates_at, found.activated_at, found.expires_at
            )
            books.lots[row.customer_id].append(lot)
        drawn.append((each.pk, lot, -each.points))
    return drawn


def _return_debt(books: Books, sides: Sides, left: PointTransaction) -> None:
    """Let the receiver of the way back owe again what the merge took over, and the other get back what they paid."""
    key = left.source.removesuffix(":out")
    _take(books, sides.receiver_id, left.points, sides.cause(f"{key}:out"))
    for row in PointTransaction.all_currencies.filter(source=f"{key}:in", kind=Kind.TRANSFER).order_by("sequence"):
        for pk, lot, points in _drawn(books, row):
            _refill(books, sides.giver_id, lot, points, sides.cause(f"{key}:in:{pk}"))
        if row.from_account == Account.DEBT:
            postings.credit(
                books, sides.giver_id, row.points, Kind.TRANSFER, sides.cause(f"{key}:in:debt"),
                origin=Account.TRANSFERRED, expires_at=postings.restored_until(sides.now),
            )  # fmt: skip


def currencies_of(*customer_ids: int) -> list[int]:
    """Return points and every stamp card of some customers, in the order of the locks."""
    cards = StampBalance.objects.filter(customer__in=customer_ids).order_by("card").values_list("card", flat=True)
    return [POINTS, *dict.fromkeys(cards)]


def carry_over(*, now: dt.datetime) -> int:
    """Carry to the kept record what has reached a merged one since, and return how many rows that took."""
    something = ~Q(pending=0) | ~Q(active=0) | ~Q(debt=0)
    late = set(
        PointBalance.objects.filter(something, customer__merged_into__isnull=False, customer__erased_at=None)
        .values_list("customer", flat=True)
    ) | set(
        StampBalance.objects.filter(something, customer__merged_into__isnull=False, customer__erased_at=None)
        .values_list("customer", flat=True)
    )  # fmt: skip
    merges = CustomerMerge.objects.filter(undone_at=None, duplicate__in=late).order_by("pk")
    return sum(_carry(merge, now) for merge in merges)


def _carry(merge: CustomerMerge, now: dt.datetime) -> int:
    sides = Sides(giver_id=merge.duplicate_id, receiver_id=merge.kept_id, source=merge.source, now=now)
    return sum(move_points(sides, currency=currency) for currency in currencies_of(merge.duplicate_id))


def open_points(*, customer_ids: Iterable[int]) -> dict[int, PointBalance]:
    """Return the balances of some customers, empty ones for those who have none."""
    found = PointBalance.objects.in_bulk(list(customer_ids))
    return {pk: found.get(pk) or PointBalance(customer_id=pk) for pk in customer_ids}

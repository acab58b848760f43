"""How each movement is booked, on books that are open; `rewards.ledger` and the daily run are the callers.

A function posts rows and returns their places; it never opens, locks or writes.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable

from django.db.models import Sum

from customers.timezones import programme_date, start_of_day
from rewards.books import Books, Cause, OpenLot
from rewards.models import LotAllocation, PointTransaction
from rewards.models.points import Account, Kind

RESTORED_DAYS = 30


def credit(
    books: Books,
    customer_id: int,
    points: int,
    kind: Kind,
    cause: Cause,
    *,
    origin: Account = Account.ISSUED,
    activates_at: dt.datetime | None = None,
    expires_at: dt.datetime | None = None,
    reverses_id: int | None = None,
) -> int:
    """Bring points in: a debt absorbs first, the rest opens a lot; return the last row."""
    balance = books.balances[customer_id]
    activates_at = activates_at or cause.occurred_at
    row = -1
    if absorbed := min(points, -balance.debt):
        row = books.post(customer_id, kind, origin, Account.DEBT, absorbed, cause, reverses_id)
    if rest := points - absorbed:
        is_active = activates_at <= books.recorded_at
        account = Account.ACTIVE if is_active else Account.PENDING
        row = books.post(customer_id, kind, origin, account, rest, cause, reverses_id)
        books.open_lot(customer_id, row, rest, activates_at, expires_at, is_active=is_active)
    if kind is Kind.EARN:
        balance.lifetime += points
    return row


def debit(books: Books, customer_id: int, points: int, kind: Kind, target: Account, cause: Cause) -> int:
    """Take active points out, those that expire first before the others; return the row."""
    row = books.post(customer_id, kind, Account.ACTIVE, target, points, cause)
    books.draw(customer_id, row, points)
    return row


def take_back(
    books: Books, award: PointTransaction, points: int, cause: Cause, *, writes_off: bool = False
) -> list[int]:
    """Reverse points of an award: from its own lot, then from the other lots in order, then as debt; return the rows.

    What expired out of its own lot unspent is settled with that: nobody gives the same points back twice. Lots that still
    wait are drawn, too, so whoever owes points has none that could become spendable. `writes_off` lets go of a debt at once.
    """
    customer_id, rows = award.customer_id, []
    chosen: dict[Account, list[OpenLot]] = {Account.PENDING: [], Account.ACTIVE: []}
    amounts: Counter[Account] = Counter()
    open_lots = sorted((lot for lot in books.lots[customer_id] if lot.remaining), key=lambda lot: lot.drawing_order)

    def take(lots: Iterable[OpenLot], wanted: int) -> int:
        """Choose from lots as much as is wanted; return what is missing."""
        for lot in lots:
            account = Account.PENDING if lot.activated_at is None else Account.ACTIVE
            taken = min(lot.remaining, wanted)
            wanted -= taken
            amounts[account] += taken
            chosen[account].append(lot)
        return wanted

    points = take((lot for lot in open_lots if lot.source == award.source), points)
    expiry, gone = _expired_unspent(award) if points else (None, 0)
    settled = min(gone, points)
    points = take((lot for lot in open_lots if lot.source != award.source), points - settled)
    amounts[Account.DEBT] = points + settled
    for account, amount in amounts.items():
        if amount:
            rows.append(books.post(customer_id, Kind.REVERSE, account, Account.REVERSED, amount, cause, award.pk))
            if account in chosen:
                books.draw(customer_id, rows[-1], amount, chosen[account])
    if settled:
        rows.append(
            books.post(customer_id, Kind.REINSTATE, Account.EXPIRED, Account.DEBT, settled, cause, expiry and expiry.pk)
        )
    if points and writes_off:
        rows.append(books.post(customer_id, Kind.WRITE_OFF, Account.WRITTEN_OFF, Account.DEBT, points, cause))
    return rows


def _expired_unspent(award: PointTransaction) -> tuple[PointTransaction | None, int]:
    """Return the expiry of an award's own lot, and how many points it took that nobody brought back since."""
    allocation = (
        LotAllocation.objects.filter(
            lot__transaction__source=award.source, lot__transaction__kind=Kind.EARN, transaction__kind=Kind.EXPIRE
        )
        .select_related("transaction")
        .first()
    )
    if allocation is None:
        return None, 0
    expiry = allocation.transaction
    reversals = PointTransaction.all_currencies.filter(customer_id=award.customer_id, kind=Kind.REVERSE)
    back = PointTransaction.all_currencies.filter(reverses=expiry, kind=Kind.REINSTATE)
    if back.exclude(source__in=reversals.values("source")).exists():
        return expiry, 0  # staff brought them back
    own = back.filter(source__in=reversals.filter(reverses__source=award.source).values("source"))
    return expiry, -allocation.points - (own.aggregate(total=Sum("points"))["total"] or 0)


def give_back(
    books: Books,
    spent: PointTransaction,
    points: int,
    cause: Cause,
    *,
    kind: Kind = Kind.REVERSE,
    origin: Account = Account.REDEEMED,
) -> list[int]:
    """Return spent or held points to the lots they came from, the one drawn last first; return the rows.

    A debt absorbs first, as with every inflow. What came from lots that have ended by the time it is written down comes back
    as a lot of 30 days from then: a return that is told late must not give points that are over already.
    """
    customer_id, rows = spent.customer_id, []
    told_at = max(cause.occurred_at, books.recorded_at)
    drawn = _still_drawn(books, spent)
    expired = _expired_lots([lot.pk for lot, __ in drawn])
    if absorbed := min(points, -books.balances[customer_id].debt):
        rows.append(books.post(customer_id, kind, origin, Account.DEBT, absorbed, cause, spent.pk))
    if left := points - absorbed:
        rows.append(books.post(customer_id, kind, origin, Account.ACTIVE, left, cause, spent.pk))
        fresh = 0
        for lot, taken in drawn:
            amount = min(left, taken)
            left -= amount
            if lot.pk not in expired and (lot.expires_at is None or lot.expires_at > told_at):
                books.allocate(rows[-1], lot, amount)
            else:
                fresh += amount
        if fresh:
            books.open_lot(customer_id, rows[-1], fresh, cause.occurred_at, restored_until(told_at), is_active=True)
    return rows


def restored_until(moment: dt.datetime) -> dt.datetime:
    """Return until when points that came back can be spent: the end of the 30th day, in the programme's time zone."""
    return start_of_day(programme_date(moment) + dt.timedelta(days=RESTORED_DAYS + 1))


def already_reversed(transaction: PointTransaction, *, to_lots: bool = False) -> int:
    """Return how many points of a transaction were taken back so far, or only those that a debt did not absorb."""
    rows = PointTransaction.all_currencies.filter(reverses=transaction)
    if to_lots:
        rows = rows.exclude(to_account=Account.DEBT)
    return rows.aggregate(total=Sum("points"))["total"] or 0


def _expired_lots(lot_ids: list[int]) -> set[int]:
    """Return the lots whose expiry is booked already: a return that is written down late must not wake them."""
    expiries = LotAllocation.objects.filter(lot__in=lot_ids, transaction__kind=Kind.EXPIRE)
    return set(expiries.values_list("lot_id", flat=True))


def _still_drawn(books: Books, spent: PointTransaction) -> list[tuple[OpenLot, int]]:
    """Return the lots of a debit with what each may still get back, the last drawn first.

    What a debt absorbed went back to no lot, so it leaves their order alone. Points spent from a hold were drawn by the
    hold; what it gave back at that moment was drawn last.
    """
    done = already_reversed(spent, to_lots=True)
    if spent.from_account == Account.HELD:
        hold = PointTransaction.all_currencies.get(pk=spent.reverses_id)
        done, spent = done + hold.points - spent.points, hold
    open_lots = {lot.pk: lot for lot in books.lots[spent.customer_id]}
    drawn = []
    for allocation in LotAllocation.objects.filter(transaction=spent).select_related("lot").order_by("-pk"):
        skipped = min(done, -allocation.points)
        done -= skipped
        row = allocation.lot
        lot = open_lots.get(row.pk)
        if lot is None:
            lot = OpenLot(row.pk, row.points, row.remaining, row.activates_at, row.activated_at, row.expires_at)
            books.lots[spent.customer_id].append(lot)
        if left := -allocation.points - skipped:
            drawn.append((lot, left))
    return drawn


def settle(books: Books, customer_id: int, now: dt.datetime) -> None:
    """Book what the calendar has decided by now: pending lots become spendable, lots past their end expire."""
    activate_due(books, customer_id, now)
    expire_due(books, customer_id, now)


def activate_due(books: Books, customer_id: int, now: dt.datetime) -> None:
    """Make the pending lots spendable whose day has come."""
    for lot in sorted(books.lots[customer_id], key=lambda lot: lot.activates_at):
        if lot.pk is not None and lot.activated_at is None and lot.remaining and lot.activates_at <= now:
            cause = Cause(source=f"activate:{lot.pk}", occurred_at=lot.activates_at)
            books.post(customer_id, Kind.ACTIVATE, Account.PENDING, Account.ACTIVE, lot.remaining, cause)
            books.activate(lot)


def expire_due(books: Books, customer_id: int, now: dt.datetime) -> None:
    """Expire what is left of the spendable lots past their end."""
    ended: dict[dt.datetime, list[OpenLot]] = defaultdict(list)
    for lot in books.spendable(customer_id):
        if lot.pk is not None and lot.expires_at is not None and lot.expires_at <= now:
            ended[lot.expires_at].append(lot)
    for moment, lots in sorted(ended.items()):
        cause = Cause(source=f"expire:{min(lot.pk for lot in lots)}", occurred_at=moment)
        total = sum(lot.remaining for lot in lots)
        row = books.post(customer_id, Kind.EXPIRE, Account.ACTIVE, Account.EXPIRED, total, cause)
        books.draw(customer_id, row, total, lots)

"""How each movement is booked, on books that are open; `rewards.ledger` and the daily run are the callers.

A function posts rows and returns their places; it never opens, locks or writes.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace

from django.db.models import Q, Sum

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
    books: Books,
    award: PointTransaction,
    points: int,
    cause: Cause,
    *,
    moved: Collection[int] = (),
    writes_off: bool = False,
) -> list[int]:
    """Reverse points of an award: from its own lot, then from the other lots in order, then as debt; return the rows.

    `moved` are the lots into which merges moved its points: they are its own, too. What expired out of its own lots unspent
    is settled with that: nobody gives the same points back twice. Lots that still wait are drawn, too, so whoever owes points
    has none that could become spendable. `writes_off` lets go of a debt at once.
    """
    customer_id, rows = award.customer_id, []
    chosen: dict[Account, list[OpenLot]] = {Account.PENDING: [], Account.ACTIVE: []}
    amounts: Counter[Account] = Counter()
    open_lots = sorted((lot for lot in books.lots[customer_id] if lot.remaining), key=lambda lot: lot.drawing_order)

    def is_own(lot: OpenLot) -> bool:
        return lot.source == award.source or lot.pk in moved

    def take(lots: Iterable[OpenLot], wanted: int) -> int:
        """Choose from lots as much as is wanted; return what is missing."""
        for lot in lots:
            account = _account_of(lot)
            taken = min(lot.remaining, wanted)
            wanted -= taken
            amounts[account] += taken
            chosen[account].append(lot)
        return wanted

    points = take((lot for lot in open_lots if is_own(lot)), points)
    fetched = _fetch(books, customer_id, points, cause, moved)
    expiries = _expired_unspent(award, moved, points - fetched) if points > fetched else []
    settled = sum(gone for __, gone in expiries)
    points = take((lot for lot in open_lots if not is_own(lot)), points - fetched - settled)
    amounts[Account.DEBT] = points + fetched + settled
    for account, amount in amounts.items():
        if amount:
            rows.append(books.post(customer_id, Kind.REVERSE, account, Account.REVERSED, amount, cause, award.pk))
            if account in chosen:
                books.draw(customer_id, rows[-1], amount, chosen[account])
    if settled:
        rows += [_settle_expired(books, customer_id, one, cause, keyed=bool(moved)) for one in expiries]
    if elsewhere := fetched + sum(gone for expiry, gone in expiries if expiry.customer_id != customer_id):
        books.post(customer_id, Kind.TRANSFER, Account.TRANSFERRED, Account.DEBT, elsewhere, cause)
    if points and writes_off:
        rows.append(books.post(customer_id, Kind.WRITE_OFF, Account.WRITTEN_OFF, Account.DEBT, points, cause))
    return rows


def _account_of(lot: OpenLot) -> Account:
    return Account.PENDING if lot.activated_at is None else Account.ACTIVE


def _fetch(books: Books, customer_id: int, points: int, cause: Cause, moved: Collection[int]) -> int:
    """Take points out of the lots in which other records hold those of an award since a merge; return how many."""
    fetched = 0
    for holder in sorted(set(books.lots) - {customer_id}):
        for account in (Account.PENDING, Account.ACTIVE):
            own = [
                lot for lot in books.lots[holder] if lot.pk in moved and lot.remaining and _account_of(lot) is account
            ]
            if taken := min(points - fetched, sum(lot.remaining for lot in own)):
                there = replace(cause, source=f"{cause.source}:from:{holder}")
                row = books.post(holder, Kind.TRANSFER, account, Account.TRANSFERRED, taken, there)
                books.draw(holder, row, taken, sorted(own, key=lambda lot: lot.drawing_order))
                fetched += taken
    return fetched


def _settle_expired(
    books: Books, customer_id: int, settled: tuple[PointTransaction, int], cause: Cause, *, keyed: bool
) -> int:
    """Count expired points as given back, in the books in which they expired; return the row."""
    expiry, points = settled
    there = replace(cause, source=f"{cause.source}{_settled_key(expiry)}") if keyed else cause
    if expiry.customer_id != customer_id:
        books.post(expiry.customer_id, Kind.TRANSFER, Account.DEBT, Account.TRANSFERRED, points, there)
    return books.post(expiry.customer_id, Kind.REINSTATE, Account.EXPIRED, Account.DEBT, points, there, expiry.pk)


def _settled_key(expiry: PointTransaction) -> str:
    return f":expired:{expiry.pk}"


def _expired_unspent(
    award: PointTransaction, moved: Collection[int], wanted: int
) -> list[tuple[PointTransaction, int]]:
    """Return the expiries of an award's own lots, each with the points it took that nobody brought back since.

    All together at most `wanted` points.
    """
    allocations = LotAllocation.objects.filter(
        Q(lot__transaction__source=award.source, lot__transaction__kind=Kind.EARN) | Q(lot__in=moved),
        transaction__kind=Kind.EXPIRE,
    )
    gone: Counter[PointTransaction] = Counter()
    for allocation in allocations.select_related("transaction").order_by("pk"):
        gone[allocation.transaction] -= allocation.points
    found = []
    for expiry, points in gone.items():
        if (left := min(wanted, points - _settled_before(award, expiry))) > 0:
            found.append((expiry, left))
            wanted -= left
    return found


def _settled_before(award: PointTransaction, expiry: PointTransaction) -> int:
    """Return how much of an expiry returns of the award's goods have used up; all of it when staff brought it back."""
    reversals = PointTransaction.all_currencies.filter(kind=Kind.REVERSE)
    mine = 0
    for row in PointTransaction.all_currencies.filter(reverses=expiry, kind=Kind.REINSTATE):
        causes = reversals.filter(source=row.source.removesuffix(_settled_key(expiry)))
        if not causes.exists():
            return expiry.points
        if causes.filter(reverses__source=award.source).exists():
            mine += row.points
    return mine


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

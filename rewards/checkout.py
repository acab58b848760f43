"""Purchases and returns: the one door for till, API, admin and import.

A purchase and its points are one transaction. Money is in the currency's minor unit, tax included.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from customers import bulk, statements
from customers.bulk import Insert
from customers.models import Customer, Purchase, PurchaseLine, Store, User
from customers.statements import Question, Rows, Statement
from rewards import (
    absence,
    announcements,
    caps,
    coupon_baskets,
    earning,
    holds,
    ledger,
    redemption,
    stamps,
    stored_value,
    tiers,
)
from rewards.books import Books, Cause, open_books
from rewards.caps import Moment, Rooms
from rewards.earning import Earned
from rewards.models import Coupon, EarningRule, PointHold
from rewards.models.points import Account, Kind
from rewards.sale import PaysTooMuch, Quote, Receipt, ReceiptConflict, SoldLine, ValuePayments, value_of
from rewards.tiers import Ladder, Standings

PURCHASE = (
    "store_id", "till", "reference", "customer_id", "occurred_at", "recorded_at", "total", "discount", "paid_by_points",
    "paid_by_value", "excluded", "digest", "by_id",
)  # fmt: skip
LINE = ("purchase_id", "position", "product_id", "quantity", "unit_price", "discount", "total", "is_excluded")
RECEIPT = f"SELECT id FROM {Purchase._meta.db_table} WHERE store_id = %s AND till = %s AND reference = %s"  # noqa: S608


def quote(*, receipt: Receipt, rules: Iterable[EarningRule] | None = None) -> Quote:
    """Return what a receipt would cost and earn; writes nothing. The same function decides the award."""
    live = list(EarningRule.objects.live()) if rules is None else list(rules)
    rooms = caps.look(rules=live, moments=_moments([receipt]))
    plain, of_cards = stamps.split(live)
    earned = _earned(receipt, plain, _standings([receipt]), rooms)
    on_cards = stamps.earned(basket=receipt.basket(), rules=of_cards, rooms=rooms, moment=_moment(receipt))
    to_pay = receipt.total - receipt.discount - receipt.paid_by_points - receipt.paid_by_value
    return Quote(total=receipt.total, to_pay=to_pay, earned=earned, stamps=on_cards)


def record_purchase(
    *,
    store: Store,
    reference: str,
    customer: Customer | None,
    occurred_at: dt.datetime,
    lines: Sequence[SoldLine],
    till: str = "",
    discount: int = 0,
    points: int = 0,
    coupon: Coupon | None = None,
    coupons: Sequence[Coupon] = (),
    value: ValuePayments = (),
    hold: PointHold | None = None,
    by: User | None = None,
    answers: Sequence[Rows] = (),
) -> Purchase:
    """Record a purchase with the points it earns and those that pay for it, with its coupons and gift cards; return it.

    Once per receipt: the same again returns the first purchase. All or nothing. `coupon` is short for a single one, `value`
    is how much each gift card or store credit pays. Points come out of the customer's `hold`, if one is given, and what is
    left of it goes back. `answers` are those to `questions`, from a caller who has asked them already. Raises ReceiptConflict when the receipt says something else, InsufficientPoints, HoldClosed,
    HoldTooSmall, PaysTooMuch, CouponRefused and ValueRefused.
    """
    whole = sum(line.total for line in lines) - discount
    coupons = [*coupons, coupon] if coupon else coupons
    taken = coupon_baskets.discounts(coupons=coupons, lines=lines, off=discount) if coupons else []
    off = sum(amount for __, amount in taken)
    receipt = Receipt(
        store=store, reference=reference, customer_id=customer and customer.pk, occurred_at=occurred_at, lines=lines,
        till=till, discount=discount + off, points=points, paid_by_points=value_of(points), by_id=by and by.pk,
        multiplier=coupon_baskets.multiplier(coupons), value=_each_once(value), hold=hold,
    )  # fmt: skip
    # Looked up before the write transaction: a retry must not queue for SQLite's one write lock.
    known, rules, steps = _look(receipt, answers)
    if known:
        return _recorded(receipt)
    if points and (customer is None or receipt.paid_by_points > whole - off):
        raise PaysTooMuch(points=points, to_pay=whole - off)
    if value and receipt.paid_by_value > whole - off - receipt.paid_by_points:
        raise PaysTooMuch(points=points, to_pay=whole - off, by_value=receipt.paid_by_value)
    # Only points, coupons and gift cards can be refused once the receipt is claimed; without them there is nothing to go back to.
    with transaction.atomic(savepoint=bool(points or coupons or value)):
        purchase = _record(receipt, customer, rules, steps, taken, whole, by)
    return purchase or _recorded(receipt)


def questions(*, store_id: int, till: str, reference: str, is_guest: bool) -> list[Statement]:
    """Return what asks whether a receipt is known, for the rules in force and for the tiers."""
    asked = Statement(RECEIPT, [store_id, till, reference])
    return (
        [asked] if is_guest else [asked, _live(connection.vendor).statement, tiers.rungs(connection.vendor).statement]
    )


def _look(receipt: Receipt, answers: Sequence[Rows]) -> tuple[Rows, list[EarningRule], Ladder]:
    """Return whether the receipt is known, the rules in force and the tiers, by one message at most."""
    is_guest = receipt.customer_id is None
    asked = {"store_id": receipt.store.pk, "till": receipt.till, "reference": receipt.reference, "is_guest": is_guest}
    known, *others = answers or statements.run(*questions(**asked))
    if is_guest:
        return known, [], tiers.NOBODY.ladder
    rules, steps = others
    live, rungs = _live(connection.vendor), tiers.rungs(connection.vendor)
    return known, live.models(rules), tiers.ladder_of(rungs.models(steps))


@cache
def _live(vendor: str) -> Question[EarningRule]:
    return Question(EarningRule.objects.live())


def _record(
    receipt: Receipt,
    customer: Customer | None,
    rules: Sequence[EarningRule],
    steps: Ladder,
    coupons: coupon_baskets.Discounts,
    basket: int,
    by: User | None,
) -> Purchase | None:
    """Claim the receipt, take points and coupon for it, then award: it is never paid with the points it earns.

    The customer's lock, the receipt and what the award needs to know are one message, lines and points another. None when
    another till was quicker with the same receipt. A tier that it reaches holds from the next purchase on.
    """
    customer_ids = [] if customer is None else [customer.pk]
    plain, of_cards = stamps.split(rules)
    ((excluded, marks),) = _excluded([receipt], plain)
    row = _purchase_row(receipt, excluded, recorded_at=timezone.now())
    claim = bulk.claim(Insert(Purchase, PURCHASE, [row]), unique=("store_id", "till", "reference"))
    ranks = tiers.memberships(steps=steps, customer_ids=customer_ids, since=receipt.occurred_at)
    award = None
    with open_books(customer_ids, with_lots=bool(receipt.points), claim=claim, also=ranks) as books:
        if not books.claimed:
            return None
        purchase = _purchase(books.claimed[0][0], row, receipt, customer)
        books.others.append(Insert(PurchaseLine, LINE, list(_line_rows(purchase.pk, receipt, marks))))
        announcements.purchase_recorded(purchase)
        # The order of locks: customers, counters, offers, gift cards; a full stamp card comes to its offer with the counters locked.
        rooms = caps.open_rooms(rules=rules, moments=_moments([receipt]))
        if receipt.points:
            _pay_by_points(books, receipt, purchase)
        if coupons:
            if of_cards:
                stamps.lock_offers(rules=of_cards, also={coupon.batch_id for coupon, __ in coupons})
            redemption.redeem_many(
                discounts=coupons, request_key=purchase.source, now=receipt.occurred_at, customer=customer,
                store=receipt.store, purchase=purchase, basket=basket, by=by,
            )  # fmt: skip
        _pay_by_value(receipt, purchase, customer, by)
        standings = tiers.standings_of(steps, books.answers)
        if award := _award(purchase.pk, receipt, plain, standings, rooms):
            ledger.book_award(books, award)
            purchase.points_earned, purchase.explanation = award.points, award.explanation
        if of_cards:
            purchase.stamps = stamps.book(_stamps(purchase.pk, receipt, of_cards, rooms))
        rooms.write()
    if customer is not None:
        _follow(receipt, customer, plain, award, standings)
    return purchase


def _pay_by_points(books: Books, receipt: Receipt, purchase: Purchase) -> None:
    cause = Cause(
        source=purchase.source, occurred_at=receipt.occurred_at, store_id=receipt.store.pk, by_id=receipt.by_id
    )
    if receipt.hold is not None:
        holds.book_capture(books, receipt.hold, receipt.points, cause, now=purchase.recorded_at)
    else:
        ledger.book_debit(books, receipt.customer_id, receipt.points, Kind.REDEEM, Account.REDEEMED, cause)


def _pay_by_value(receipt: Receipt, purchase: Purchase, customer: Customer | None, by: User | None) -> None:
    for account, amount in receipt.value:
        stored_value.spend(
            account=account, amount=amount, source=f"{purchase.source}:value:{account.pk}", customer=customer,
            occurred_at=receipt.occurred_at, purchase=purchase, store=receipt.store, by=by,
        )  # fmt: skip


def _each_once(value: ValuePayments) -> ValuePayments:
    """Add up what one card pays twice, and put the cards into the order of their locks."""
    cards = {account.pk: account for account, __ in value}
    return tuple((cards[pk], sum(amount for one, amount in value if one.pk == pk)) for pk in sorted(cards))


def _follow(
    receipt: Receipt,
    customer: Customer,
    rules: Sequence[EarningRule],
    award: ledger.Award | None,
    standings: Standings,
) -> None:
    """Do what a purchase moves on once it is written: the ends of points that wait for an absence, and the tier."""
    if award is not None:
        absence.mark([award])
    if any(earning.inactive_months(rule) for rule in rules):
        absence.seen(customer_id=customer.pk, at=receipt.occurred_at)
    tiers.go_up(customer_ids=[customer.pk], at=receipt.occurred_at, known=standings)


def _recorded(receipt: Receipt) -> Purchase:
    """Return the purchase that has the receipt's number; raise ReceiptConflict when it says something else."""
    earlier = Purchase.objects.get(store=receipt.store, till=receipt.till, reference=receipt.reference)
    if not receipt.says(earlier.digest):
        raise ReceiptConflict(purchase=earlier)
    return earlier


def _purchase(pk: int, row: Sequence[Any], receipt: Receipt, customer: Customer | None) -> Purchase:
    """Return the row that was claimed as a model."""
    purchase = Purchase(id=pk, **dict(zip(PURCHASE, row, strict=True)))
    purchase._state.adding, purchase._state.db = False, connection.alias
    purchase.store, purchase.customer = receipt.store, customer
    purchase.occurred_at = receipt.occurred_at.astimezone(dt.UTC)
    purchase.is_new = True
    return purchase


@transaction.atomic
def record_many(receipts: Sequence[Receipt], *, rules: Sequence[EarningRule] | None = None) -> Sequence[int]:
    """Record new receipts with their points, in sets, and return their keys in the same order.

    All or nothing: a receipt that is recorded already raises IntegrityError. Points follow `rules`, by default those live
    now, whose windows are held against each receipt's own time. Tiers that they reach are for the daily run.
    """
    rules = list(EarningRule.objects.live()) if rules is None else rules
    plain, of_cards = stamps.split(rules)
    keys, standings = _insert(receipts, plain), _standings(receipts)
    if caps.caps_among(rules):
        # The order of locks: customers before counters.
        ledger.lock(customer_ids={moment.customer_id for moment in _moments(receipts)})
    rooms = caps.open_rooms(rules=rules, moments=_moments(receipts))
    awards = [
        award
        for pk, receipt in zip(keys, receipts, strict=True)
        if (award := _award(pk, receipt, plain, standings, rooms))
    ]
    ledger.earn_many(awards)
    absence.mark(awards)
    if of_cards:
        _stamp_many(keys, receipts, of_cards, rooms)
    rooms.write()
    return keys


def _stamp_many(keys: Sequence[int], receipts: Sequence[Receipt], of_cards: stamps.CardRules, rooms: Rooms) -> None:
    """Book the stamps of many receipts in sets, in the order of time."""
    found = [one for pk, receipt in zip(keys, receipts, strict=True) for one in _stamps(pk, receipt, of_cards, rooms)]
    ledger.lock(customer_ids={one.customer_id for one in found})
    stamps.book(sorted(found, key=lambda one: one.occurred_at))


def _stamps(pk: int, receipt: Receipt, of_cards: stamps.CardRules, rooms: Rooms) -> list[ledger.Award]:
    if receipt.customer_id is None:
        return []
    cause = Cause(
        source=f"purchase:{pk}", occurred_at=receipt.occurred_at, store_id=receipt.store.pk, by_id=receipt.by_id
    )
    basket = receipt.basket()
    return stamps.award(cause=cause, customer_id=receipt.customer_id, basket=basket, rules=of_cards, rooms=rooms)


def _moments(receipts: Sequence[Receipt]) -> set[Moment]:
    return {moment for receipt in receipts if (moment := _moment(receipt))}


def _moment(receipt: Receipt) -> Moment | None:
    return None if receipt.customer_id is None else Moment(receipt.customer_id, receipt.occurred_at)


def _standings(receipts: Sequence[Receipt]) -> Standings:
    """Return who was in which tier at the times of some receipts."""
    moments = [receipt.occurred_at for receipt in receipts if receipt.customer_id is not None]
    customer_ids = {receipt.customer_id for receipt in receipts if receipt.customer_id is not None}
    if not moments:
        return tiers.NOBODY
    return tiers.standings(customer_ids=customer_ids, since=min(moments))


def _earned(receipt: Receipt, rules: Iterable[EarningRule], standings: Standings, rooms: Rooms) -> Earned:
    return earning.earn(
        basket=receipt.basket(),
        rules=rules,
        tier_multiplier=standings.multiplier(receipt.customer_id, receipt.occurred_at),
        coupon_multiplier=receipt.multiplier,
        rooms=rooms.left(_moment(receipt)),
    )


def _excluded(receipts: Sequence[Receipt], rules: Iterable[EarningRule]) -> list[tuple[int, list[bool]]]:
    """Return what each receipt paid for goods that never earn, and which of its lines these are."""
    exclusions = [rule for rule in rules if rule.kind == EarningRule.Kind.EXCLUSION]
    return [
        earning.excluded(basket=receipt.basket(), rules=exclusions)
        if exclusions or not all(line.product.earns_points for line in receipt.lines)
        else (0, [False] * len(receipt.lines))
        for receipt in receipts
    ]


def _insert(receipts: Sequence[Receipt], rules: Iterable[EarningRule]) -> Sequence[int]:
    recorded_at = timezone.now()
    keys = bulk.reserve_ids(Purchase, len(receipts))
    numbered = list(zip(keys, receipts, _excluded(receipts, rules), strict=True))
    bulk.copy_in(
        Purchase, ("id", *PURCHASE),
        ((pk, *_purchase_row(receipt, excluded, recorded_at)) for pk, receipt, (excluded, __) in numbered),
    )  # fmt: skip
    bulk.copy_in(
        PurchaseLine, LINE, (row for pk, receipt, (__, marks) in numbered for row in _line_rows(pk, receipt, marks))
    )
    return keys


def _purchase_row(receipt: Receipt, excluded: int, recorded_at: dt.datetime) -> tuple[object, ...]:
    return (
        receipt.store.pk, receipt.till, receipt.reference, receipt.customer_id, receipt.occurred_at, recorded_at,
        receipt.total, receipt.discount, receipt.paid_by_points, receipt.paid_by_value, excluded, receipt.digest,
        receipt.by_id,
    )  # fmt: skip


def _line_rows(pk: int, receipt: Receipt, marks: Sequence[bool]) -> Iterator[tuple[object, ...]]:
    for position, ((product, quantity, unit_price, discount), is_excluded) in enumerate(
        zip(receipt.lines, marks, strict=True), 1
    ):
        yield (
            pk, position, product.pk, quantity, unit_price, discount, quantity * unit_price - discount, is_excluded
        )  # fmt: skip


def _award(
    pk: int, receipt: Receipt, rules: Sequence[EarningRule], standings: Standings, rooms: Rooms
) -> ledger.Award | None:
    if receipt.customer_id is None:
        return None
    earned = _earned(receipt, rules, standings, rooms)
    if earned.caps:
        rooms.take(Moment(receipt.customer_id, receipt.occurred_at), earned)
    if not earned.points:
        return None
    activates_at = receipt.occurred_at + dt.timedelta(days=receipt.store.pending_days)
    return ledger.Award(
        customer_id=receipt.customer_id, points=earned.points, source=f"purchase:{pk}", occurred_at=receipt.occurred_at,
        activates_at=activates_at, expires_at=earning.expires_at(earned.rule, activates_at), store_id=receipt.store.pk,
        by_id=receipt.by_id, explanation=earned.explanation(), inactive_months=earning.inactive_months(earned.rule),
    )  # fmt: skip

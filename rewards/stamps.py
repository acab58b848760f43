"""Stamp cards: what purchases earn on them, and what happens when one is full. docs/stamps.md works through the numbers.

Stamps are a currency of the same books as points, and the same rules say who earns them. They count at once. A full card is
emptied and its coupon issued in the transaction that filled it; where the offer is paused or used up, it stays full until
the next stamp or the daily run finds the offer open again. A purchase never fails for that.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import batched

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from customers.models import Purchase
from rewards import coupons, earning, ledger, postings
from rewards.books import Books, Cause, OpenLot, open_books
from rewards.caps import Moment, Rooms
from rewards.earning import Basket, Earned
from rewards.ledger import Award
from rewards.models import CouponBatch, EarningRule, PointLot, PointTransaction, StampBalance, StampCard
from rewards.models.points import POINTS, Account, Kind

CUSTOMERS_AT_ONCE = 500

type CardRules = Mapping[int, Sequence[EarningRule]]
"""The rules of each card in force, by its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """What happened to one card: stamps earned, how many stand on it now, and how many coupons it became."""

    card: StampCard
    earned: int
    on_card: int
    coupons: int = 0

    @property
    def missing(self) -> int:
        """How many stamps are to go."""
        return max(0, self.card.stamps_needed - self.on_card)


def split(rules: Iterable[EarningRule]) -> tuple[list[EarningRule], CardRules]:
    """Part the rules in force into those of points and those of each stamp card; what never earns is among both."""
    plain: list[EarningRule] = []
    of_cards: dict[int, list[EarningRule]] = {}
    for rule in rules:
        if rule.stamp_card_id is None:
            plain.append(rule)
        else:
            of_cards.setdefault(rule.stamp_card_id, []).append(rule)
    if of_cards:
        exclusions = [rule for rule in plain if rule.kind == EarningRule.Kind.EXCLUSION]
        of_cards = {card: [*of_cards[card], *exclusions] for card in sorted(of_cards)}
    return plain, of_cards


def earned(*, basket: Basket, rules: CardRules, rooms: Rooms, moment: Moment | None) -> dict[int, Earned]:
    """Return what a basket earns on each card. Pure; no tier and no coupon multiplies stamps, and nothing is earned for free."""
    left = rooms.left(moment)
    found = {card: earning.earn(basket=basket, rules=some, rooms=left) for card, some in rules.items()}
    return {card: one for card, one in found.items() if one.basis and (one.points or one.caps)}


def award(*, cause: Cause, customer_id: int, basket: Basket, rules: CardRules, rooms: Rooms) -> list[Award]:
    """Return the stamps of a customer's purchase, the cause, as awards, one for each card; count them against the caps."""
    moment = Moment(customer_id, cause.occurred_at)
    awards = []
    for card, one in earned(basket=basket, rules=rules, rooms=rooms, moment=moment).items():
        if one.caps:
            rooms.take(moment, one)
        if one.points:
            awards.append(
                Award(
                    customer_id=customer_id, points=one.points, source=source_of(card, cause.source),
                    occurred_at=cause.occurred_at, expires_at=earning.expires_at(one.rule, cause.occurred_at),
                    store_id=cause.store_id, by_id=cause.by_id, explanation=one.explanation(), currency=card,
                )
            )  # fmt: skip
    return awards


def lock_offers(*, rules: CardRules, also: Iterable[int]) -> None:
    """Lock the offers of some cards, and others, in the order of their numbers, before any of them is counted on."""
    offers = StampCard.objects.filter(pk__in=rules).values("batch_id")
    wanted = CouponBatch.objects.filter(Q(pk__in=offers) | Q(pk__in=list(also)))
    list(wanted.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def source_of(card: int, cause: str) -> str:
    """Return the key of a cause on a card: points and every card book it once each."""
    return f"stamps:{card}:{cause}"


def book(awards: Sequence[Award]) -> list[Stamped]:
    """Book stamps for new causes, empty the cards that are full now and issue their coupons; return what became of each card.

    The caller's transaction holds the locks of these customers' points.
    """
    cards = StampCard.objects.select_related("batch").in_bulk({one.currency for one in awards})
    with ExitStack() as stack:
        opened: list[tuple[StampCard, Books, dict[int, Award], dict[int, int]]] = []
        for card in sorted(cards.values(), key=lambda card: card.pk):
            own = [one for one in awards if one.currency == card.pk]
            books = stack.enter_context(open_books({one.customer_id for one in own}, with_lots=True, currency=card.pk))
            last: dict[int, Award] = {}
            given: dict[int, int] = {}
            for one in own:
                postings.settle(books, one.customer_id, one.occurred_at)
                ledger.book_award(books, one)
                last[one.customer_id] = one
                given[one.customer_id] = given.get(one.customer_id, 0) + one.points
            opened.append((card, books, last, given))
        found = {}
        # By the number of the offer, as everybody locks offers.
        for card, books, last, given in sorted(opened, key=lambda each: each[0].batch_id):
            causes = {pk: one.cause for pk, one in last.items()}
            issued = _hand_out(card, books, causes)
            for pk, points in given.items():
                found[card.pk, pk] = Stamped(
                    card=card, earned=points, on_card=books.balances[pk].active, coupons=issued.get(pk, 0)
                )
    return [found[key] for key in sorted(found)]


def _hand_out(card: StampCard, books: Books, causes: Mapping[int, Cause]) -> dict[int, int]:
    """Empty the full cards of some customers, each for its cause, and issue the coupons; return how many each gets."""
    full = {pk: times for pk, cause in causes.items() if (times := _times_full(card, books, pk, cause.occurred_at))}
    if not full:
        return {}
    room = _room(card, books.recorded_at)
    issued: dict[int, int] = {}
    recipients = []
    for pk, times in sorted(full.items()):
        times = times if room is None else min(times, room - len(recipients))
        for __ in range(times):
            cause = causes[pk]
            source = f"{cause.source}:full:{books.balances[pk].sequence + 1}"
            emptied = Cause(source=source, occurred_at=cause.occurred_at, store_id=cause.store_id, by_id=cause.by_id)
            row = books.post(pk, Kind.REDEEM, Account.ACTIVE, Account.REDEEMED, card.stamps_needed, emptied)
            books.draw(pk, row, card.stamps_needed, _usable(books, pk, cause.occurred_at))
            recipients.append((source, pk))
        if times:
            issued[pk] = times
    if recipients:
        coupons.issue_chunk(batch=card.batch, recipients=recipients, now=books.recorded_at, by=None)
    return issued


def _times_full(card: StampCard, books: Books, customer_id: int, at: dt.datetime) -> int:
    return sum(lot.remaining for lot in _usable(books, customer_id, at)) // card.stamps_needed


def _usable(books: Books, customer_id: int, at: dt.datetime) -> list[OpenLot]:
    lots = [lot for lot in books.spendable(customer_id) if lot.expires_at is None or lot.expires_at > at]
    return sorted(lots, key=lambda lot: lot.drawing_order)


def _room(card: StampCard, now: dt.datetime) -> int | None:
    try:
        return coupons.room_of(batch=card.batch, now=now)
    except coupons.BatchNotActive:
        return 0


def settle_due(*, now: dt.datetime) -> int:
    """Expire stamps and empty cards whose offer was closed when they were full; return how many transactions that took."""
    changed = 0
    for card in StampCard.objects.select_related("batch").order_by("pk"):
        own = PointLot.all_currencies.filter(currency=card.pk)
        due = (own.due_to_activate(now) | own.due_to_expire(now)).filter(remaining__gt=0).order_by("customer_id")
        for some in batched(
            list(due.values_list("customer_id", flat=True).distinct()), CUSTOMERS_AT_ONCE, strict=False
        ):
            changed += ledger.settle_many(customer_ids=some, now=now, currency=card.pk)
        waiting = card.balances.filter(active__gte=card.stamps_needed).order_by("customer_id")
        for some in batched(list(waiting.values_list("customer_id", flat=True)), CUSTOMERS_AT_ONCE, strict=False):
            changed += _hand_out_waiting(card, some, now)
    return changed


@transaction.atomic
def _hand_out_waiting(card: StampCard, customer_ids: Sequence[int], now: dt.datetime) -> int:
    ledger.lock(customer_ids=customer_ids)
    with open_books(customer_ids, with_lots=True, currency=card.pk) as books:
        causes = {pk: Cause(source=source_of(card.pk, f"customer:{pk}"), occurred_at=now) for pk in customer_ids}
        for pk in customer_ids:
            postings.settle(books, pk, now)
        _hand_out(card, books, causes)
        return books.posted


def rows_of(*, purchase: Purchase, customer_ids: Collection[int]) -> list[PointTransaction]:
    """Return the stamps that a purchase earned, looked for in the books of some customers."""
    return list(
        PointTransaction.all_currencies.filter(
            customer__in=customer_ids, currency__gt=POINTS, kind=Kind.EARN, source__endswith=f":{purchase.source}"
        ).order_by("currency", "sequence")
    )


def of_purchase(*, purchase: Purchase) -> list[Stamped]:
    """Return what a purchase did to its customer's cards, and how these stand now."""
    given: dict[int, int] = {}
    for row in rows_of(purchase=purchase, customer_ids=[purchase.customer_id]) if purchase.customer_id else []:
        given[row.currency] = given.get(row.currency, 0) + row.points
    if not given:
        return []
    sources = {card: source_of(card, purchase.source) for card in given}
    full = PointTransaction.all_currencies.filter(
        customer=purchase.customer_id,
        currency__in=given,
        kind=Kind.REDEEM,
        source__contains=f":{purchase.source}:full:",
    ).values_list("currency", "source")
    balances = StampBalance.objects.filter(customer=purchase.customer_id, card__in=given).select_related("card")
    return [
        Stamped(
            card=row.card, earned=given[row.card_id], on_card=row.active,
            coupons=sum(card == row.card_id and source.startswith(f"{sources[card]}:full:") for card, source in full),
        )
        for row in balances.order_by("card_id")
    ]  # fmt: skip


def filled(card: StampCard) -> int:
    """Return how many full cards became a coupon, those of returned goods not counted."""
    back = PointTransaction.all_currencies.filter(reverses=OuterRef("pk"))
    full = PointTransaction.all_currencies.filter(
        ~Exists(back), currency__gt=POINTS, currency=card.pk, kind=Kind.REDEEM
    )
    return full.count()


def waiting_for(card: StampCard) -> int:
    """Return how many customers hold a full card that waits for its offer."""
    return card.balances.filter(active__gte=F("card__stamps_needed")).count()

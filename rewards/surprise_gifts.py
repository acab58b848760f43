"""What becomes of the gifts of surprises: mailed, handed over at the till, declined, lapsed, cancelled when the goods come back.

Each step is one conditional UPDATE that must hit one row, in one transaction with what it gives, so nothing is given twice.
Locks are taken in the order: customer's balance, gift, month, coupon batch.
"""

import datetime as dt

from django.db import transaction
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext as _

from customers import windows
from customers.models import Customer, Purchase, Store, User
from rewards import catalogue, coupons, freezes, ledger, sale, surprise_letters, trials
from rewards.adjustments import refuse_own_card
from rewards.coupons import BatchLimitReached, BatchNotActive, CouponRefused
from rewards.dates import end_of_month_after
from rewards.models import CouponBatch, PointLot, PointTransaction, Reward, Surprise, SurpriseGift, SurpriseMonth
from rewards.models.points import Kind
from rewards.showcase import Reason

State, Gift = SurpriseGift.State, Surprise.Gift
OPEN = (State.WAITING, State.ANNOUNCED)
AT_ONCE = 500
POINTS_LAST_MONTHS = 12


class GiftClosed(Exception):
    """The gift was handed over, declined or cancelled before, or waited too long; nothing was changed."""

    def __init__(self, *, gift: SurpriseGift, sentence: str = "") -> None:
        self.gift = gift
        super().__init__(
            sentence or _("This surprise is no longer open: %(state)s.") % {"state": gift.get_state_display()}
        )


def deliver_due(*, now: dt.datetime) -> int:
    """Mail the gifts whose hour has come, let those lapse that waited too long, and return how many moved on.

    While spending is frozen nothing is given. Again changes nothing.
    """
    lapsed = lapse_due(now=now)
    if freezes.is_frozen():
        return lapsed
    due = SurpriseGift.objects.filter(state=State.WAITING, not_before__lte=now, surprise__channel=Surprise.Channel.MAIL)
    ids = list(due.order_by("not_before", "pk").values_list("pk", flat=True)[:AT_ONCE])
    return lapsed + sum(deliver(gift_id=pk, now=now) for pk in ids)


def deliver(*, gift_id: int, now: dt.datetime) -> bool:
    """Give one gift by mail and return whether it moved on; outside of the hours it waits for the next opening.

    A thing is announced and waits at the counter. What cannot be given any more (no consent, the batch has ended) fails, and
    its budget is free again; the customer stays assigned.
    """
    with transaction.atomic():
        gift = _open(gift_id, State.WAITING)
        if gift is None:
            return False
        surprise, customer = gift.surprise, gift.customer
        opening = windows.next_opening(
            moment=now, time_zone=customer.time_zone, hour_from=surprise.hour_from, hour_until=surprise.hour_until
        )
        if opening > now:
            SurpriseGift.objects.filter(pk=gift.pk).update(not_before=opening)
            return False
        if not surprise_letters.reachable(Customer.objects.enrolled().filter(pk=customer.pk)).exists():
            return _end(gift, State.FAILED, now, note="no consent or no address")
        if surprise.gift in (Gift.THING, Gift.REWARD):
            SurpriseGift.objects.filter(pk=gift.pk).update(state=State.ANNOUNCED)
        else:
            try:
                with transaction.atomic():
                    _grant(gift, now, by=None)
            except (BatchNotActive, BatchLimitReached) as error:
                return _end(gift, State.FAILED, now, note=type(error).__name__)
            _end(gift, State.GIVEN, now)
        surprise_letters.queue_for(gift=gift, now=now)
    return True


def open_at_till(*, customer: Customer, now: dt.datetime) -> list[SurpriseGift]:
    """Return what the till should give a customer today: "give Alice a pastry"."""
    at_till = Q(state=State.WAITING, surprise__channel=Surprise.Channel.TILL) | Q(state=State.ANNOUNCED)
    rows = SurpriseGift.objects.filter(at_till, customer=customer, waits_until__gt=now)
    return list(rows.select_related("surprise__batch__product", "surprise__reward", "customer").order_by("pk"))


def hand_over(*, gift: SurpriseGift, store: Store | None, by: User, now: dt.datetime) -> SurpriseGift:
    """Confirm that a gift is handed over at the counter, once, and return it; coupons and points are on the card then.

    Raises GiftClosed, adjustments.OwnCard, and what keeps the thing from being given: coupons.BatchNotActive,
    coupons.BatchLimitReached, catalogue.RewardRefused.
    """
    refuse_own_card(gift.customer, by)
    with transaction.atomic():
        current = _open(gift.pk, *OPEN)
        if freezes.is_frozen():
            raise GiftClosed(gift=gift, sentence=str(Reason.FROZEN.label))
        if current is None or current.waits_until <= now:
            gift.refresh_from_db()
            raise GiftClosed(gift=gift)
        _grant(current, now, by=by, store=store)
        _end(current, State.GIVEN, now, by=by, store=store)
    return current


def decline(*, gift: SurpriseGift, store: Store | None, by: User, now: dt.datetime) -> SurpriseGift:
    """Note that the customer does not want it, once, and return it; its budget is free again. Raises GiftClosed, OwnCard."""
    refuse_own_card(gift.customer, by)
    with transaction.atomic():
        current = _open(gift.pk, *OPEN)
        if current is None:
            gift.refresh_from_db()
            raise GiftClosed(gift=gift)
        _end(current, State.DECLINED, now, by=by, store=store)
    return current


def lapse_due(*, now: dt.datetime) -> int:
    """Close the gifts that nobody picked up in time and return how many; their budget is free again."""
    due = SurpriseGift.objects.filter(state__in=OPEN, waits_until__lte=now).order_by("pk")
    lapsed = 0
    for pk in list(due.values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            gift = _open(pk, *OPEN)
            lapsed += gift is not None and _end(gift, State.LAPSED, now)
    return lapsed


def follow_return(*, purchase: Purchase, now: dt.datetime, by: User | None) -> int:
    """Cancel the unused gifts of a purchase that came back whole; note the used ones as leaked.

    Return how many of the cancelled ones the customer knew of. A part of the caller's transaction, which holds the
    customer's lock.
    """
    rows = SurpriseGift.objects.filter(assignment__purchase=purchase).select_related("surprise", "coupon", "assignment")
    missed = 0
    for gift in rows.filter(Q(state__in=OPEN) | Q(state=State.GIVEN, leaked_at=None)).order_by("pk"):
        if gift.state in OPEN:
            is_known = gift.state == State.ANNOUNCED
            missed += _end(gift, State.CANCELLED, now, by=by) and is_known
        elif _take_back(gift, now, by):
            missed += _undo(gift, now, by)
        else:
            SurpriseGift.objects.filter(pk=gift.pk).update(leaked_at=now)
    return missed


def cancel_open(*, customer: Customer, by: User | None, now: dt.datetime) -> int:
    """Cancel what waits for a customer who leaves and return how many; a part of the caller's transaction, which holds the lock."""
    rows = SurpriseGift.objects.filter(customer=customer, state__in=OPEN).select_related("surprise")
    return sum(_end(gift, State.CANCELLED, now, by=by) for gift in rows.order_by("pk"))


def name_of(surprise: Surprise) -> str:
    """Return what is given, in the active language."""
    match surprise.gift:
        case Gift.COUPON:
            return surprise.batch.name
        case Gift.REWARD:
            return surprise.reward.name
        case Gift.POINTS:
            return _("%(points)d points") % {"points": surprise.points}
    return surprise.thing


def _open(gift_id: int, *states: str) -> SurpriseGift | None:
    """Lock a gift's customer and the gift, and return it when it is in one of the states."""
    customer_id = SurpriseGift.objects.values_list("customer_id", flat=True).get(pk=gift_id)
    ledger.lock(customer_ids=[customer_id])
    rows = SurpriseGift.objects.select_for_update(of=("self",)).filter(pk=gift_id, state__in=states)
    return rows.select_related("surprise__batch", "surprise__reward", "customer", "assignment").first()


def _grant(gift: SurpriseGift, now: dt.datetime, *, by: User | None, store: Store | None = None) -> None:
    """Put on the card, or take off the stock, what a gift is, and note what it costs."""
    surprise, customer, source = gift.surprise, gift.customer, f"surprise:{gift.pk}"
    cost = surprise.cost
    match surprise.gift:
        case Gift.COUPON:
            gift.coupon = coupons.issue(batch=surprise.batch, customer=customer, source=source, now=now, by=by)
            cost = 0  # counted when it is used
        case Gift.POINTS:
            with translation.override(customer.mail_language):
                note = _("A surprise")
            ledger.earn(
                customer=customer, points=surprise.points, source=source, occurred_at=now, store=store, by=by, note=note,
                expires_at=end_of_month_after(now, POINTS_LAST_MONTHS),
            )  # fmt: skip
        case Gift.REWARD:
            reward = Reward.objects.get(pk=surprise.reward_id)
            gift.order = catalogue.give(customer=customer, reward=reward, source=source, now=now, by=by, store=store)
    SurpriseGift.objects.filter(pk=gift.pk).update(coupon=gift.coupon, order=gift.order)
    trials.note_cost(assignment=gift.assignment, cost=cost)


def _end(
    gift: SurpriseGift,
    state: State,
    now: dt.datetime,
    *,
    by: User | None = None,
    store: Store | None = None,
    note: str = "",
) -> bool:
    """Close a gift whose row is locked; whatever was not given frees its budget."""
    gift.state, gift.ended_at, gift.by, gift.store, gift.note = state, now, by, store, note
    SurpriseGift.objects.filter(pk=gift.pk).update(state=state, ended_at=now, by=by, store=store, note=note[:200])
    if state != State.GIVEN:
        _free(gift)
    return True


def _free(gift: SurpriseGift) -> None:
    months = SurpriseMonth.objects.filter(surprise=gift.surprise_id, month_date=gift.month_date)
    months.filter(spent__gte=gift.surprise.cost).update(spent=F("spent") - gift.surprise.cost)


def _take_back(gift: SurpriseGift, now: dt.datetime, by: User | None) -> bool:
    """Take back what was given and not used; return whether that was possible."""
    if gift.coupon is not None:
        try:
            with transaction.atomic():
                return gift.coupon.uses == 0 and bool(
                    coupons.void(coupon=gift.coupon, reason=_("The goods came back"), now=now, by=by)
                )
        except CouponRefused:
            return False
    if gift.surprise.gift == Gift.POINTS:
        return _take_points(gift, now, by)
    return False


def _take_points(gift: SurpriseGift, now: dt.datetime, by: User | None) -> bool:
    source = f"surprise:{gift.pk}"
    untouched = PointLot.objects.filter(transaction__source=source, remaining=F("points"))
    if sum(untouched.values_list("remaining", flat=True)) != gift.surprise.points:
        return False
    award = PointTransaction.objects.filter(source=source, kind=Kind.EARN).order_by("-sequence").first()
    ledger.reverse_award(award=award, points=gift.surprise.points, source=f"{source}:back", occurred_at=now, by=by)
    return True


def _undo(gift: SurpriseGift, now: dt.datetime, by: User | None) -> bool:
    trials.note_cost(assignment=gift.assignment, cost=0)
    return _end(gift, State.CANCELLED, now, by=by)


def worth(surprise: Surprise) -> int:
    """Return what one gift would cost when nobody typed it: the cost price, an amount off, or what the points pay for."""
    match surprise.gift:
        case Gift.COUPON:
            return _worth_of_coupon(surprise.batch) if surprise.batch else 0
        case Gift.REWARD:
            return surprise.reward.cost_price if surprise.reward else 0
        case Gift.POINTS:
            return sale.value_of(surprise.points)
    return 0


def _worth_of_coupon(batch: CouponBatch) -> int:
    return batch.cost_price + (batch.value if batch.value_kind == CouponBatch.Value.AMOUNT else 0)

"""Taking rewards: points against a coupon, or against a thing that is picked up; handed over once, or cancelled.

Stock, limit, points and what is handed out change in one transaction, or nothing does. Lock order everywhere: customer,
lots, reward, coupon batch, coupon. docs/rewards.md has the states.
"""

import datetime as dt
import uuid

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from customers import notices, spending_proof
from customers.models import Customer, Store, User
from customers.timezones import programme_date, start_of_day
from rewards import codes, coupons, freezes, ledger, order_letters, showcase
from rewards.adjustments import refuse_own_card
from rewards.models import Coupon, PointTransaction, Reward, RewardOrder
from rewards.models.points import Kind
from rewards.showcase import Reason

State, Ending = RewardOrder.State, RewardOrder.Ending
CHANGE_OF_MIND = dt.timedelta(days=14)


class RewardRefused(Exception):
    """The customer cannot take this reward; nothing was changed. The text is for the customer."""

    def __init__(self, reason: Reason, *, reward: Reward | None = None) -> None:
        self.reason, self.reward = reason, reward
        super().__init__(reason.label)


class OrderClosed(Exception):
    """The order was handed over, cancelled or used before; nothing was changed."""

    def __init__(self, *, order: RewardOrder, sentence: str = "") -> None:
        self.order = order
        super().__init__(sentence or _("This is no longer open: %(state)s.") % {"state": order.get_state_display()})


def redeem_reward(
    *, customer: Customer, reward: Reward, key: str | uuid.UUID, now: dt.datetime, by: User | None = None
) -> RewardOrder:
    """Take a reward for points, once per customer and key, and return the order with its coupon or its pick-up ticket.

    What it costs in money is paid when it is picked up. `by` is who took it for the customer. Raises RewardRefused,
    adjustments.OwnCard, and ledger.SourceConflict when the key took another reward.
    """
    if by is not None:
        refuse_own_card(customer, by)
    source = f"reward:{customer.pk}:{key}"
    if earlier := _taken(source, reward):
        return earlier
    if freezes.is_frozen():
        raise RewardRefused(Reason.FROZEN, reward=reward)
    if spending_proof.is_held(customer=customer, now=now):
        raise RewardRefused(Reason.HELD, reward=reward)
    # A look before the write transaction: most of those who come too late need not queue.
    if reason := showcase.refusal(reward=reward, customer=customer, now=now):
        # Perhaps another try of the same key has just taken it, and its points are what is missing.
        if earlier := _taken(source, reward):
            return earlier
        raise RewardRefused(reason, reward=reward)
    try:
        with transaction.atomic():
            ledger.lock(customer_ids=[customer.pk])
            if earlier := _taken(source, reward):
                return earlier
            return _take(customer, reward, source, now, by)
    except ledger.SpendingFrozen as error:
        raise RewardRefused(Reason.FROZEN, reward=reward) from error
    except ledger.InsufficientPoints as error:
        raise RewardRefused(Reason.POINTS, reward=reward) from error
    except (coupons.BatchNotActive, coupons.BatchLimitReached) as error:
        raise RewardRefused(Reason.OVER, reward=reward) from error
    except IntegrityError:
        if earlier := _taken(source, reward):
            return earlier
        raise


def hand_over(*, order: RewardOrder, by: User | None, now: dt.datetime, store: Store | None = None) -> RewardOrder:
    """Hand a thing over at the counter, once, and return the order; its price in money is taken there and then.

    Raises OrderClosed (handed over or cancelled before, too late), and adjustments.OwnCard.
    """
    if by is not None:
        refuse_own_card(order.customer, by)
    if freezes.is_frozen():
        raise OrderClosed(order=order, sentence=str(Reason.FROZEN.label))
    rows = RewardOrder.objects.filter(pk=order.pk, state=State.ORDERED, pick_up_until__gt=now)
    changed = rows.update(state=State.HANDED_OVER, handed_over_at=now, by=by, store=store)
    order.refresh_from_db()
    if not changed:
        raise OrderClosed(order=order, sentence=_too_late(order, now))
    return order


def give(
    *, customer: Customer, reward: Reward, source: str, now: dt.datetime, by: User | None, store: Store | None = None
) -> RewardOrder:
    """Hand a thing of the catalogue over for nothing, once per source, and return the order; stock and limits hold.

    For what the shop gives, such as a surprise. Raises RewardRefused, adjustments.OwnCard, ValueError for a coupon, and
    ledger.SourceConflict.
    """
    if reward.batch_id is not None:
        raise ValueError("a coupon is issued, not handed over")
    if by is not None:
        refuse_own_card(customer, by)
    if freezes.is_frozen():
        raise RewardRefused(Reason.FROZEN, reward=reward)
    with transaction.atomic():
        ledger.lock(customer_ids=[customer.pk])
        if earlier := _taken(source, reward):
            return earlier
        reward = _count(reward, customer, now)
        code = codes.generate(1)[0]
        return RewardOrder.objects.create(
            reward=reward, customer=customer, source=source, place=_free_place(customer, reward), points=0, price=0,
            ordered_at=now, by=by, store=store, state=State.HANDED_OVER, handed_over_at=now,
            pick_up_until=pick_up_until(reward, now), code_sealed=codes.seal(code), code_tail=codes.tail(code),
        )  # fmt: skip


def cancel(
    *, order: RewardOrder, now: dt.datetime, because: Ending, by: User | None = None, note: str = ""
) -> RewardOrder:
    """Cancel an order, once, and return it: points go back to their lots, the thing back on the shelf, a coupon is void.

    A thing until it is handed over; a coupon until it is used, reserved or expired, by the customer within 14 days. Again
    changes nothing. Raises OrderClosed, and adjustments.OwnCard.
    """
    if by is not None:
        refuse_own_card(order.customer, by)
    with transaction.atomic():
        order = _lock(order)
        if order.state == State.CANCELLED:
            return order
        if not can_cancel(order, now=now, is_customer=because == Ending.CUSTOMER):
            raise OrderClosed(order=order)
        values = {"cancelled_at": now, "cancelled_because": because, "by": by, "note": note}
        # A till may hand it over at this moment: one of the two finds the state that it knew.
        changed = RewardOrder.objects.filter(pk=order.pk, state=order.state).update(state=State.CANCELLED, **values)
        order.refresh_from_db(fields=["state", *values])
        if not changed:
            raise OrderClosed(order=order)
        Reward.objects.filter(pk=order.reward_id).update(taken=F("taken") - 1)
        if order.coupon is not None:
            coupons.void(coupon=order.coupon, reason="reward cancelled", now=now)
        _give_back(order, now, by)
        if because != Ending.CUSTOMER:
            notices.queue([order_letters.cancelled(order)], now=now)
    return order


def can_cancel(order: RewardOrder, *, now: dt.datetime, is_customer: bool) -> bool:
    """Return whether an order can be cancelled, by the customer or by the shop."""
    if order.state == State.ORDERED:
        return True
    if order.state != State.ISSUED:
        return False
    is_early = now - order.ordered_at <= CHANGE_OF_MIND
    return (
        order.coupon.uses == 0
        and order.coupon.state_at(now) in ("active", "scheduled", "hidden")
        and (is_early or not is_customer)
    )


def lapse_due(*, now: dt.datetime) -> int:
    """Cancel what nobody picked up in time, and return how many; points and stock go back. A second run changes nothing."""
    due = RewardOrder.objects.waiting().filter(pick_up_until__lte=now).order_by("pk")
    done = 0
    for order in list(due):
        try:
            cancel(order=order, now=now, because=Ending.LAPSED)
        except OrderClosed:
            continue
        done += 1
    return done


def open_orders_of(*, customer: Customer, now: dt.datetime) -> list[RewardOrder]:
    """Return what waits for a customer at the counter, the oldest first."""
    rows = RewardOrder.objects.waiting().filter(customer=customer, pick_up_until__gt=now)
    return list(rows.select_related("reward").order_by("ordered_at", "pk"))


def find_by_code(code: str) -> RewardOrder | None:
    """Return the order of a pick-up ticket's code, typed or scanned; None when there is none."""
    try:
        symbols = codes.parse(code)
    except codes.InvalidCode:
        return None
    rows = RewardOrder.objects.select_related("reward", "customer")
    return rows.filter(code_sealed=codes.seal(symbols)).first()


def code_of(order: RewardOrder) -> str:
    """Return the code of a pick-up ticket as its holder reads it, empty for a coupon; never for a list or a log."""
    return codes.display(codes.unseal(order.code_sealed)) if order.code_sealed is not None else ""


def pick_up_until(reward: Reward, now: dt.datetime) -> dt.datetime:
    """Return until when something ordered now is kept: to the end of the last day, in the programme's time zone."""
    return start_of_day(programme_date(now) + dt.timedelta(days=reward.pick_up_days + 1))


def _taken(source: str, reward: Reward) -> RewardOrder | None:
    rows = RewardOrder.objects.select_related("reward", "customer", "coupon__batch")
    order = rows.filter(source=source).first()
    if order is not None and order.reward_id != reward.pk:
        raise ledger.SourceConflict(source=source)
    return order


def _take(customer: Customer, reward: Reward, source: str, now: dt.datetime, by: User | None) -> RewardOrder:
    """Count, pay and hand out, all or nothing; the customer's lock is held, so nobody else counts for this customer."""
    reward = _count(reward, customer, now)
    place = _free_place(customer, reward)
    if reward.points_cost:
        with translation.override(customer.mail_language):
            note = reward.name
        ledger.redeem(
            customer=customer, points=reward.points_cost, source=source, occurred_at=now, by=by, note=note
        )  # fmt: skip
    order = RewardOrder(
        reward=reward, customer=customer, source=source, place=place, points=reward.points_cost, price=reward.price,
        ordered_at=now, by=by,
    )  # fmt: skip
    if reward.batch is not None:
        order.state = State.ISSUED
        order.coupon = coupons.issue(batch=reward.batch, customer=customer, source=source, now=now, by=by)
    else:
        code = codes.generate(1)[0]
        order.state, order.pick_up_until = State.ORDERED, pick_up_until(reward, now)
        order.code_sealed, order.code_tail = codes.seal(code), codes.tail(code)
    order.save(force_insert=True)
    if order.is_ticket:
        notices.queue([order_letters.ordered(order)], now=now)
    return order


def _count(reward: Reward, customer: Customer, now: dt.datetime) -> Reward:
    """Take one off the stock and return the reward as it stands now that nobody else can change it before this ends."""
    rewards = Reward.objects.filter(pk=reward.pk).on_offer(now)
    if not rewards.update(taken=F("taken") + 1):
        reward.refresh_from_db()
        reason = showcase.refusal(reward=reward, customer=customer, now=now) or Reason.SOLD_OUT
        raise RewardRefused(reason, reward=reward)
    return Reward.objects.select_related("batch", "minimum_tier").get(pk=reward.pk)


def _free_place(customer: Customer, reward: Reward) -> int:
    """Return the lowest place that no standing order of the customer holds; refuse one above the limit."""
    held = set(RewardOrder.objects.standing().filter(customer=customer, reward=reward).values_list("place", flat=True))
    if reward.per_customer is not None and len(held) >= reward.per_customer:
        raise RewardRefused(Reason.LIMIT, reward=reward)
    return next(place for place in range(1, len(held) + 2) if place not in held)


def _lock(order: RewardOrder) -> RewardOrder:
    """Lock customer, reward and coupon of an order, in this order, and return it as it stands."""
    ledger.lock(customer_ids=[order.customer_id])
    reward = Reward.objects.select_for_update(no_key=True, of=("self",)).get(pk=order.reward_id)
    order = RewardOrder.objects.select_related("customer").get(pk=order.pk)
    order.reward = reward
    if order.coupon_id is not None:
        order.coupon = Coupon.objects.select_for_update(of=("self",)).select_related("batch").get(pk=order.coupon_id)
    return order


def _give_back(order: RewardOrder, now: dt.datetime, by: User | None) -> None:
    spent = PointTransaction.objects.filter(source=order.source, kind=Kind.REDEEM).first()
    if spent is not None:
        ledger.restore(
            spent=spent, points=spent.points, source=f"{order.source}:cancelled", occurred_at=now, by=by, note=spent.note
        )  # fmt: skip


def _too_late(order: RewardOrder, now: dt.datetime) -> str:
    is_late = order.state == State.ORDERED and not order.is_waiting(now)
    return _("The time to pick it up is over; the points go back.") if is_late else ""

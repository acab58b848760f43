"""Rewards of a customer: listed, taken, handed over, cancelled."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop
from ninja import Path, Router

from customers.api.door import business_key, operation
from customers.api.fields import MemberNumber
from customers.api.lookups import customer_by_number, optional_store_of
from customers.api.problems import not_found
from customers.models.api_key import Scope
from rewards import catalogue, showcase
from rewards.api.fields import Id
from rewards.api.value_schemas import CancelIn, CodeOut, HandOverIn, OrderOut, RewardOut, RewardsOut, TakeIn
from rewards.coupons import code_of
from rewards.models import Reward, RewardOrder
from rewards.showcase import Offer

router = Router(tags=["rewards"])


@operation(
    router,
    "GET",
    "/customers/{member_number}/rewards",
    scope=Scope.REWARDS_READ,
    answer=RewardsOut,
    summary=gettext_noop("List the rewards that a customer may see, with what is missing."),
)
def list_rewards(request: HttpRequest, member_number: Path[MemberNumber]) -> RewardsOut:
    customer = customer_by_number(request, member_number, pointer="member_number")
    offers = showcase.offers_for(customer=customer, now=timezone.now())
    return RewardsOut(member_number=customer.member_number, items=[_offer(offer) for offer in offers])


@operation(
    router,
    "POST",
    "/reward-orders",
    scope=Scope.REWARDS_REDEEM,
    answer=OrderOut,
    status=201,
    summary=gettext_noop("Take a reward for a customer: points for a coupon, or for a thing to be picked up."),
    about=gettext_noop("The answer is kept for repetitions, so it has no code: read that apart."),
)
def take_reward(request: HttpRequest, body: TakeIn) -> OrderOut:
    customer = customer_by_number(request, body.member_number)
    reward = Reward.objects.filter(slug=body.reward).first()
    if reward is None:
        raise not_found("/reward", str(showcase.Reason.UNKNOWN.label))
    order = catalogue.redeem_reward(customer=customer, reward=reward, key=business_key(request), now=timezone.now())
    return _order(order)


@operation(
    router,
    "GET",
    "/reward-orders/{order}",
    scope=Scope.REWARDS_READ,
    answer=OrderOut,
    summary=gettext_noop("Read what became of a reward that was taken."),
)
def get_reward_order(request: HttpRequest, order: Path[Id]) -> OrderOut:
    return _order(_find(order))


@operation(
    router,
    "GET",
    "/reward-orders/{order}/code",
    scope=Scope.REWARDS_REDEEM,
    answer=CodeOut,
    summary=gettext_noop("Read the code of the coupon or ticket that this client took, to show it to the customer."),
)
def get_reward_code(request: HttpRequest, order: Path[Id]) -> CodeOut:
    row = _find(order)
    if not row.source.startswith(f"reward:{row.customer_id}:api:{request.auth.client}:"):
        raise not_found("order")
    return CodeOut(code=code_of(row.coupon) if row.coupon is not None else catalogue.code_of(row))


@operation(
    router,
    "POST",
    "/reward-orders/{order}/hand-over",
    scope=Scope.REWARDS_REDEEM,
    answer=OrderOut,
    status=201,
    summary=gettext_noop("Hand a thing over at the counter, once; its price in money is taken there and then."),
)
def hand_over_reward(request: HttpRequest, order: Path[Id], body: HandOverIn) -> OrderOut:
    store = optional_store_of(request, body.store)
    return _order(catalogue.hand_over(order=_find(order), by=None, now=timezone.now(), store=store))


@operation(
    router,
    "POST",
    "/reward-orders/{order}/cancel",
    scope=Scope.REWARDS_REDEEM,
    answer=OrderOut,
    status=201,
    summary=gettext_noop("Cancel a reward: points go back to where they came from, and the coupon is void."),
)
def cancel_reward(request: HttpRequest, order: Path[Id], body: CancelIn) -> OrderOut:
    ending = RewardOrder.Ending.CUSTOMER if body.is_customer else RewardOrder.Ending.SHOP
    return _order(catalogue.cancel(order=_find(order), now=timezone.now(), because=ending))


def _find(pk: int) -> RewardOrder:
    row = RewardOrder.objects.select_related("customer", "reward", "coupon__batch").filter(pk=pk).first()
    if row is None:
        raise not_found("order")
    return row


def _offer(offer: Offer) -> RewardOut:
    reward = offer.reward
    return RewardOut(
        reward=reward.slug, name=reward.name, description=reward.description, points=reward.points_cost,
        price=reward.price, hands_out="coupon" if offer.is_coupon else "pick_up", left=reward.left,
        missing=offer.missing, refusal=offer.reason and offer.reason.value, minimum_tier=offer.tier and offer.tier.code,
        ends_at=reward.ends_at,
    )  # fmt: skip


def _order(order: RewardOrder) -> OrderOut:
    return OrderOut(
        id=order.pk, member_number=order.customer.member_number, reward=order.reward.slug, name=order.reward.name,
        state=order.state, points=order.points, price=order.price, ordered_at=order.ordered_at,
        pick_up_until=order.pick_up_until, handed_over_at=order.handed_over_at, cancelled_at=order.cancelled_at,
        coupon_ends_in=order.coupon.code_tail if order.coupon is not None else None,
    )  # fmt: skip

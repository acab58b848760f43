"""The gift cards and the store credit of the demo shop, what waits at its counter, and what bringing a friend gives."""

import datetime as dt

from customers.models import Customer
from loyalty_site.demo.catalogue import Shop
from loyalty_site.demo.people import ALICE, LIN
from rewards import catalogue, ledger, stored_value, value_accounts
from rewards.models import ReferralOffer, ValueAccount

# Days ago, what was paid, what the shop put on top, and what was spent so far.
CARDS = [
    (240, 5_000, 0, [1_240, 3_760]),
    (95, 2_500, 0, [980]),
    (40, 5_000, 500, [1_130, 460]),
    (12, 10_000, 1_000, []),
]


def hand_out(*, shop: Shop, now: dt.datetime) -> None:
    """Sell some cards and spend from them; the two to log in as have one each, credit, and something set aside."""
    by, store = shop.staff["cashier"], shop.stores["old-town"]
    cards = [_sell(number, row, shop, now) for number, row in enumerate(CARDS)]
    for card, address in zip(cards[2:], (ALICE, LIN), strict=True):
        customer = Customer.objects.get(identifiers__normalised=address)
        value_accounts.claim(code=value_accounts.code_of(card), customer=customer, now=now - dt.timedelta(days=3))
        credit = value_accounts.credit_of(customer=customer, now=now - dt.timedelta(days=6))
        stored_value.top_up(
            account=credit, amount=1_500, source=f"demo:credit:{customer.pk}", occurred_at=now - dt.timedelta(days=6),
            store=store, by=by, note="",
        )  # fmt: skip
        # A gift for a day pays for the cup, so that the points they saved up, some about to expire, stay.
        ledger.earn(
            customer=customer, points=400, source=f"demo:cup:{customer.pk}", occurred_at=now,
            expires_at=now + dt.timedelta(days=1),
        )  # fmt: skip
        cup = next(reward for reward in shop.rewards if reward.slug == "cup")
        catalogue.redeem_reward(customer=customer, reward=cup, key="demo", now=now)


def bring_friends(*, shop: Shop, now: dt.datetime) -> None:
    """Put an offer for bringing friends in force, so that everybody has a link to send."""
    ReferralOffer.objects.create(
        friend_points=50, advocate_points=150, minimum_total=500, is_active=True, by=shop.staff["manager"],
        created_at=now - dt.timedelta(days=90),
    )  # fmt: skip


def _sell(number: int, row: tuple[int, int, int, list[int]], shop: Shop, now: dt.datetime) -> ValueAccount:
    days, paid, given, spent = row
    at, by, store = now - dt.timedelta(days=days), shop.staff["cashier"], shop.stores["old-town"]
    sold = stored_value.sell(
        amount=paid, promotional=given, source=f"demo:card:{number}", occurred_at=at, store=store, by=by
    )
    for visit, amount in enumerate(spent, 1):
        stored_value.spend(
            account=sold.account, amount=amount, source=f"demo:card:{number}:{visit}", store=store, by=by,
            occurred_at=at + dt.timedelta(days=visit),
        )  # fmt: skip
    return sold.account

"""What a till has done: receipts by their number, and the journal of a day. Reads only."""

import datetime as dt
import re
from dataclasses import dataclass

from customers.models import Customer, Purchase, Store
from customers.timezones import programme_date, start_of_day
from rewards.models import TillAction

MOST_TILLS = 50
MOST_ACTIONS = 200
MOST_RECEIPTS = 10
MADE = re.compile(r"T?-?([0-9A-Z]{5})-?([0-9A-Z]{5})")  # a number that a till made, however it was typed


@dataclass(frozen=True, slots=True)
class Day:
    """The actions of one day, newest first, and what they moved in money. `is_cut` when there were more."""

    actions: list[TillAction]
    money_in: int
    money_out: int
    is_cut: bool


def day_of(*, store: Store, till: str, now: dt.datetime) -> Day:
    """Return what a till did on the programme's day of an instant; an empty till is all of the store."""
    begin = start_of_day(programme_date(now))
    rows = TillAction.objects.filter(store=store, occurred_at__gte=begin).select_related(
        "customer", "purchase", "goods_back", "coupon_use__coupon__batch", "by", "undone_by"
    )
    if till:
        rows = rows.filter(till=till)
    found = list(rows.order_by("-occurred_at", "-pk")[: MOST_ACTIONS + 1])
    actions = found[:MOST_ACTIONS]
    moved = [action.money for action in actions]
    return Day(
        actions=actions,
        money_in=sum(amount for amount in moved if amount > 0),
        money_out=-sum(amount for amount in moved if amount < 0),
        is_cut=len(found) > MOST_ACTIONS,
    )


def receipts_of(*, store: Store, number: str) -> list[Purchase]:
    """Return the receipts of a store with a number, whichever till made it; capitals, blanks and dashes are forgiven."""
    text = number.strip()
    compact = re.sub(r"\s+", "", text).upper()
    wanted = {text, compact}
    if made := MADE.fullmatch(compact):
        wanted.add(f"T-{made[1]}-{made[2]}")
    # The index leads with store and till: a till after the other costs less than every receipt of the store.
    rows = Purchase.objects.filter(store=store, till__in=_tills_of(store), reference__in=wanted)
    return list(rows.select_related("customer", "store").newest_first()[:MOST_RECEIPTS])


def recent_of(*, customer: Customer) -> list[Purchase]:
    """Return the latest purchases of a customer."""
    return list(customer.purchases.select_related("store").newest_first()[:MOST_RECEIPTS])


def _tills_of(store: Store) -> list[str]:
    tills: list[str] = []
    rows = Purchase.objects.filter(store=store).order_by("till").values_list("till", flat=True)
    till = rows.first()
    while till is not None and len(tills) < MOST_TILLS:
        tills.append(till)
        till = rows.filter(till__gt=till).first()
    return tills

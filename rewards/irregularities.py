"""What a manager should have looked at: the patterns that till fraud leaves. Reading only; none of it proves anything.

Each list is one query over a period of at most a month, through the index of its time, and bounded.
"""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncHour

from customers.addresses import HELD
from customers.models import Identifier
from customers.timezones import end_of_day, start_of_day, zone
from rewards.models import CouponUse, PointTransaction
from rewards.models.points import CUSTOMER_ACCOUNTS, Kind

MOST_EARNS = 5
LONGEST = 31
MOST = 500
SOON_AFTER_CHANGE = dt.timedelta(hours=24)
BY_STAFF = "staff:"  # the source of a coupon that somebody issued on a customer's record
FIRST_HOURS = dt.timedelta(hours=24)  # an address given so soon after joining is no change


@dataclass(frozen=True, slots=True)
class Report:
    """Four lists, the most telling first. Rows are dictionaries or records with what the page names."""

    begin: dt.date
    end: dt.date
    busy_cards: list[dict]
    one_hand: list[CouponUse]
    by_hand: list[dict]
    after_change: list[PointTransaction]


def report(*, begin: dt.date, end: dt.date) -> Report:
    """Return what stands out on the programme's days from `begin` to `end`, both included, a month at most."""
    begin = max(begin, end - dt.timedelta(days=LONGEST - 1))
    start, stop = start_of_day(begin), end_of_day(end)
    return Report(
        begin=begin, end=end, busy_cards=list(busy_cards(start, stop)[:MOST]), one_hand=list(one_hand(start, stop)[:MOST]),
        by_hand=list(by_hand(start, stop)[:MOST]), after_change=list(after_change(start, stop)[:MOST]),
    )  # fmt: skip


def busy_cards(start: dt.datetime, stop: dt.datetime) -> QuerySet:
    """Return cards that earned by more than five purchases on one day."""
    earned = PointTransaction.objects.filter(
        kind=Kind.EARN, source__startswith="purchase:", occurred_at__gte=start, occurred_at__lt=stop
    )
    days = earned.annotate(day=TruncDate("occurred_at", tzinfo=zone("")))
    cards = days.values("customer", "customer__member_number", "day")
    counted = cards.annotate(
        earns=Count("source", distinct=True), sum=Sum("points"), stores=Count("store", distinct=True)
    )
    return counted.filter(earns__gt=MOST_EARNS).order_by("-earns", "-day", "customer")


def one_hand(start: dt.datetime, stop: dt.datetime) -> QuerySet[CouponUse]:
    """Return coupons issued and redeemed by the same person, and those issued by hand and redeemed on the same day."""
    uses = CouponUse.objects.filter(
        redeemed_at__gte=start, redeemed_at__lt=stop, returned_at=None, coupon__by__isnull=False
    )
    dated = uses.annotate(
        issued_day=TruncDate("coupon__issued_at", tzinfo=zone("")), used_day=TruncDate("redeemed_at", tzinfo=zone(""))
    )
    same_day = Q(coupon__source__startswith=BY_STAFF, used_day=F("issued_day"))
    found = dated.filter(Q(by=F("coupon__by")) | same_day)
    related = ("coupon__batch", "coupon__by", "by", "customer", "store")
    return found.select_related(*related).order_by("-redeemed_at", "-pk")


def by_hand(start: dt.datetime, stop: dt.datetime) -> QuerySet:
    """Return what each member of staff gave and took by hand, by the hour."""
    adjusted = PointTransaction.objects.filter(
        kind=Kind.ADJUST, by__isnull=False, occurred_at__gte=start, occurred_at__lt=stop
    )
    hours = adjusted.annotate(hour=TruncHour("occurred_at", tzinfo=zone("")))
    people = hours.values("by", "by__name", "by__email", "hour")
    given, taken = Q(to_account__in=CUSTOMER_ACCOUNTS), ~Q(to_account__in=CUSTOMER_ACCOUNTS)
    counted = people.annotate(
        times=Count("source", distinct=True),
        cards=Count("customer", distinct=True),
        given=Sum("points", filter=given, default=0),
        taken=Sum("points", filter=taken, default=0),
        first=Min("pk"),
    )
    return counted.order_by("-given", "-times", "first")


def after_change(start: dt.datetime, stop: dt.datetime) -> QuerySet[PointTransaction]:
    """Return points spent within 24 hours after another or a new e-mail address of the customer."""
    spent = PointTransaction.objects.filter(kind=Kind.REDEEM, occurred_at__gte=start, occurred_at__lt=stop)
    # Another address holds spending: when it was changed follows from how long it is held.
    held = F("customer__spending_held_until")
    changed = Q(occurred_at__gte=held - HELD, occurred_at__lt=held - HELD + SOON_AFTER_CHANGE)
    new = Identifier.objects.filter(
        kind=Identifier.Kind.EMAIL,
        customer=OuterRef("customer"),
        recorded_at__lte=OuterRef("occurred_at"),
        recorded_at__gt=OuterRef("occurred_at") - SOON_AFTER_CHANGE,
        recorded_at__gte=OuterRef("customer__enrolled_at") + FIRST_HOURS,
    )
    found = spent.filter(changed | Q(Exists(new)))
    return found.select_related("customer", "by", "store").order_by("-occurred_at", "-pk")

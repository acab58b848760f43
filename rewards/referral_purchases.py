"""Which friends have bought something that stays bought: one query over all that wait, whatever their number."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from customers.models import Purchase, Return, Store
from rewards.models import Referral, ReferralOffer

AT_ONCE = 1_000


def first_kept(*, offer: ReferralOffer, now: dt.datetime) -> Iterator[tuple[int, int]]:
    """Give the waiting referrals of an offer whose friend has kept a purchase, each with the first such purchase.

    Kept is what remains after discounts and returns once the days to wait are over: the offer's, or the store's when its
    points wait longer. Members and friends who no longer take part are passed over.
    """
    back = Return.objects.filter(purchase=OuterRef("pk")).order_by().values("purchase").annotate(sum=Sum("total"))
    bought = (
        Purchase.objects.filter(
            _is_past(offer, now), customer=OuterRef("friend"), occurred_at__gte=OuterRef("joined_at")
        )
        .annotate(kept=F("total") - F("discount") - Coalesce(Subquery(back.values("sum")), 0))
        .filter(kept__gt=0, kept__gte=offer.minimum_total)
        .order_by("occurred_at", "pk")
    )
    waiting = Referral.objects.filter(
        state=Referral.State.WAITING, offer=offer, customer__erased_at=None, customer__merged_into=None,
        friend__merged_into=None,
    ).annotate(bought=Subquery(bought.values("pk")[:1]))  # fmt: skip
    due = waiting.filter(bought__isnull=False)
    after = 0
    while page := list(due.filter(pk__gt=after).order_by("pk").values_list("pk", "bought")[:AT_ONCE]):
        yield from page
        after = page[-1][0]


def _is_past(offer: ReferralOffer, now: dt.datetime) -> Q:
    """Return the condition that a purchase can no longer be brought back."""
    past = Q(pk=None)
    for days in Store.objects.order_by().values_list("pending_days", flat=True).distinct():
        until = now - dt.timedelta(days=max(days, offer.return_days))
        past |= Q(store__pending_days=days, occurred_at__lte=until)
    return past

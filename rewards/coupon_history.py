"""What happened to a coupon, in order: its events, and what its own row and its uses say besides."""

import datetime as dt
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from customers.models import Store, User
from rewards.models import Coupon, CouponEvent


class Happening(NamedTuple):
    """One thing that happened to a coupon."""

    at: dt.datetime
    what: str | Promise
    by: User | None = None
    store: Store | None = None
    note: str = ""


def history_of(*, coupon: Coupon) -> list[Happening]:
    """Return all that happened to a coupon, the first first: also what was done with its whole batch since it was issued."""
    found = [Happening(coupon.issued_at, gettext_lazy("issued"), coupon.by)]
    if coupon.seen_at is not None:
        found.append(Happening(coupon.seen_at, gettext_lazy("opened by the customer")))
    if coupon.voided_at is not None:
        found.append(Happening(coupon.voided_at, gettext_lazy("voided"), coupon.voided_by, None, coupon.void_reason))
    for use in coupon.redemptions.select_related("by", "store"):
        found.append(Happening(use.redeemed_at, gettext_lazy("redeemed"), use.by, use.store))
    own = coupon.events.select_related("by", "store")
    of_all = CouponEvent.objects.filter(batch=coupon.batch_id, coupon=None, happened_at__gte=coupon.issued_at)
    # Who voided it stands on the coupon.
    of_all = of_all.exclude(kind=CouponEvent.Kind.VOIDED).select_related("by", "store")
    for event in [*own, *of_all]:
        found.append(Happening(event.happened_at, event.get_kind_display(), event.by, event.store, event.note))
    return sorted(found, key=lambda one: one.at)

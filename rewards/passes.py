"""A coupon as its owner sees it: what it is worth in two words, until when, and whether to hurry."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from babel.numbers import format_currency, format_decimal
from django.conf import settings
from django.db.models import Case, F, Q, When
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.templatetags.loyalty import babel_locale, last_moment, money, near_day
from customers.timezones import programme_date
from rewards.models import Coupon, CouponBatch
from rewards.models.coupon import LIVE_STATES

HURRY_DAYS = 7
MOST_NAMED = 12


def live_passes(*, customer: Customer, now: dt.datetime, limit: int) -> list["Pass"]:
    """Return what the customer can use now or soon, the next to expire first."""
    coupons = (
        customer.coupons.live(now)
        .exclude(Q(state=Coupon.State.HIDDEN) | Q(batch__state=CouponBatch.State.CLOSED))
        .select_related("batch__product")
        .order_by(Case(When(starts_at__gt=now, then=1), default=0), F("expires_at").asc(nulls_last=True), "-pk")[:limit]
    )
    passes = [Pass.of(coupon, now=now) for coupon in coupons]
    return sorted(passes, key=lambda it: not it.is_usable)


def put_away_passes(*, customer: Customer, now: dt.datetime, limit: int) -> list["Pass"]:
    """Return what the customer has put away and can still take out, the next to expire first."""
    coupons = (
        customer.coupons.live(now)
        .filter(state=Coupon.State.HIDDEN)
        .exclude(batch__state=CouponBatch.State.CLOSED)
        .select_related("batch__product")
        .order_by(F("expires_at").asc(nulls_last=True), "-pk")[:limit]
    )
    return [Pass.of(coupon, now=now) for coupon in coupons]


def spent_passes(*, customer: Customer, now: dt.datetime, limit: int) -> list["Pass"]:
    """Return what was used, withdrawn or has expired, the newest first."""
    coupons = (
        customer.coupons.filter(
            ~Q(state__in=LIVE_STATES) | Q(expires_at__lte=now) | Q(batch__state=CouponBatch.State.CLOSED)
        )
        .select_related("batch__product")
        .newest_first()[:limit]
    )
    return [Pass.of(coupon, now=now) for coupon in coupons]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One coupon in words."""

    coupon: Coupon
    state: str
    worth: str
    worth_label: str
    icon: str
    validity: str
    hurry: str

    @classmethod
    def of(cls, coupon: Coupon, *, now: dt.datetime) -> Self:
        """Read a coupon, loaded with its batch and product, at an instant."""
        state = _state(coupon, now)
        worth, label, icon = worth_of(coupon.batch)
        return cls(
            coupon=coupon,
            state=state,
            worth=worth,
            worth_label=label,
            icon=icon,
            validity=_validity(coupon, state, now),
            hurry=_hurry(coupon, now) if state == "active" else "",
        )

    @property
    def name(self) -> str:
        """What the merchant calls it."""
        return self.coupon.batch.name

    @property
    def is_usable(self) -> bool:
        """Whether a till would take it now."""
        return self.state in ("active", "reserved")

    @property
    def is_put_away(self) -> bool:
        """Whether its owner has put it away, and can take it out again."""
        return self.state == "hidden"

    @property
    def is_over(self) -> bool:
        """Whether it will never be usable again."""
        return self.state in ("redeemed", "expired", "voided", "closed")


def worth_of(batch: CouponBatch) -> tuple[str, str, str]:
    """Return the worth of a batch's coupons as a figure, the word below it, and an icon where there is no figure."""
    match batch.value_kind:
        case CouponBatch.Value.PERCENT if (get_language() or "").startswith("zh"):
            return _chinese_percent(batch.value), "", ""
        case CouponBatch.Value.PERCENT:
            return f"{batch.value / 100:g}%", _("off"), ""
        case CouponBatch.Value.AMOUNT:
            return short_money(batch.value), _("off"), ""
        case CouponBatch.Value.MULTIPLIER:
            return f"{batch.value / 10_000:g}×", _("points"), ""
        case CouponBatch.Value.PRODUCT:
            return "", _("free"), "gift"
    return "", _("gift"), "gift"


def conditions_of(batch: CouponBatch, *, chosen: Mapping[str, Iterable[Any]] | None = None) -> list[str]:
    """Return the sentences about where and on what a coupon holds; `chosen` stands for what is not saved yet."""
    sentences = []
    if batch.value_kind == CouponBatch.Value.PRODUCT and batch.product:
        sentences.append(_("Free: %(product)s") % {"product": batch.product.name})
    if batch.minimum_basket:
        sentences.append(_("From a basket of %(amount)s") % {"amount": money(batch.minimum_basket)})
    for label, field in (
        (_("Only at %(names)s"), "stores"),
        (_("Only on %(names)s"), "categories"),
        (_("Only on %(names)s"), "products"),
    ):
        things = getattr(batch, field).order_by("pk")[:MOST_NAMED] if chosen is None else chosen[field]
        if names := [thing.name for thing in islice(things, MOST_NAMED)]:
            sentences.append(label % {"names": _(", ").join(names)})
    return sentences


def short_money(minor: int) -> str:
    """Write an amount without its zero cents: €5, but €5.50."""
    whole, rest = divmod(minor, 10**settings.PROGRAMME_CURRENCY_DIGITS)
    if rest:
        return money(minor)
    locale = babel_locale()
    return format_currency(whole, settings.PROGRAMME_CURRENCY, locale=locale, format="¤#,##0", currency_digits=False)


def _chinese_percent(basis_points: int) -> str:
    """Chinese shops name what is left to pay in tenths: 10 % off is 9折, 15 % off is 8.5折."""
    left = (10_000 - basis_points) / 1000
    return f"{format_decimal(left, locale=babel_locale())}折" if left else "免费"


def _state(coupon: Coupon, now: dt.datetime) -> str:
    state = coupon.state_at(now)
    if state in (*LIVE_STATES, "scheduled") and coupon.batch.state == CouponBatch.State.CLOSED:
        return "closed"
    if state in ("active", "reserved", "scheduled") and coupon.batch.state != CouponBatch.State.ACTIVE:
        return "paused"
    return state


def _validity(coupon: Coupon, state: str, now: dt.datetime) -> str:
    match state:
        case "redeemed":
            return _("Used")
        case "voided":
            return _("Withdrawn by the shop")
        case "expired":
            return _("Expired on %(day)s") % {"day": near_day(last_moment(coupon.expires_at), now)}
        case "closed":
            return _("No longer accepted")
        case "paused":
            return _("Not accepted at the moment")
        case "scheduled":
            return _("From %(day)s") % {"day": near_day(coupon.starts_at, now)}
    if coupon.expires_at is None:
        return _("No end date")
    return _("Until %(day)s") % {"day": near_day(last_moment(coupon.expires_at), now)}


def _hurry(coupon: Coupon, now: dt.datetime) -> str:
    if coupon.expires_at is None:
        return ""
    days = (programme_date(last_moment(coupon.expires_at)) - programme_date(now)).days
    if days > HURRY_DAYS:
        return ""
    if days <= 0:
        return _("Last day")
    return ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days}

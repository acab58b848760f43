"""Every mail as it would look, filled with sample figures: for staff to read, and for a test that none is forgotten."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from customers import looks
from customers.models import Customer
from rewards.models import Coupon, CouponPlan, SurpriseGift

NAMES = {"en": "Alice Morgan", "zh-hans": "林晓"}
DAY = "2026-12-31"
MOMENT = dt.datetime(2026, 11, 22, 10, 30, tzinfo=dt.UTC)
TIER, NEXT = {"en": "Regular", "zh": "银卡会员"}, {"en": "House guest", "zh": "金卡会员"}
CUP = {"en": "A stoneware cup", "zh": "粗陶杯一只"}
LINES = [
    {"name": {"en": "Flat white", "zh": "馥芮白"}, "quantity": 2, "total": 780},
    {"name": {"en": "Cinnamon roll", "zh": "肉桂卷"}, "quantity": 1, "total": 340},
]

# To customers: kind, what it is, what fills it.
TO_CUSTOMERS: dict[str, tuple[Any, Mapping[str, Any]]] = {
    "welcome": (_("Welcome"), {"points": 50}),
    "join_code": (_("Code to join"), {"code": "4821 7305"}),
    "till_code": (_("Code for the till"), {"code": "482 173"}),
    "address_code": (_("Code for another address"), {"code": "4821 7305"}),
    "address_taken": (_("Address belongs to somebody"), {}),
    "privacy_code": (_("Code for private data"), {"code": "4821 7305"}),
    "receipt": (
        _("Receipt"),
        {
            "receipt": "T-7K3M9-QX2AB", "store": {"en": "Old Town", "zh": "老城店"}, "day": DAY, "lines": LINES,
            "total": 1_120, "discount": 120, "paid_by_points": 100, "to_pay": 900, "earned": 9,
        },
    ),
    "return_explained": (
        _("Return explained"),
        {
            "receipt": "T-7K3M9-QX2AB", "total": 780, "money": 680, "value": 0, "given": 100, "taken": 7, "coupons": 1,
            "stamps": [{"name": {"en": "Ten coffees", "zh": "十杯咖啡"}, "taken": 2, "coupons": 0}], "gifts": 1,
        },
    ),
    "points_expiring": (_("Points about to expire"), {"amount": 240, "last_day": DAY}),
    "points_left": (_("Points given or taken by hand"), {"amount": 120, "is_transfer": False}),
    "birthday": (_("Birthday"), {"amount": 100}),
    "tier_reached": (_("Tier reached"), {"tier": TIER, "last_day": DAY, "percent": 10}),
    "tier_warning": (
        _("Tier at its end"), {"tier": NEXT, "last_day": DAY, "missing": 4_500, "metric": "spend", "next": TIER},
    ),
    "tier_lowered": (_("Tier lowered"), {"tier": NEXT, "next": TIER, "is_return": False}),
    "reward_ordered": (
        _("Reward to pick up"), {"reward": CUP, "last_day": DAY, "points": 400, "price": 300, "order": 1},
    ),
    "reward_cancelled": (_("Reward cancelled"), {"reward": CUP, "points": 400, "has_lapsed": True}),
    "address_changed": (_("Address changed"), {}),
    "till_pin_set": (_("PIN set"), {}),
    "till_pin_removed": (_("PIN removed"), {}),
    "till_pin_locked": (_("PIN locked"), {}),
    "coupon_issued": (_("Coupon"), {}),
    "surprise": (_("Surprise"), {}),
}  # fmt: skip
TO_STAFF: dict[str, tuple[Any, Mapping[str, Any]]] = {
    "adjustment_waiting": (
        _("Request to approve"),
        {"member_number": "1000000001", "amount": 1_200, "expires_at": MOMENT, "request": 1},
    ),
    "api_key_stopped": (_("API key stopped"), {"client": "till-old-town", "misses": 20, "minutes": 5, "key": 1}),
    "owner_signed_in": (_("Owner signed in"), {"happened_at": MOMENT, "user": 1}),
    "spending_frozen": (_("Spending frozen"), {"happened_at": MOMENT, "freeze": 1}),
    "spending_resumed": (_("Spending resumed"), {"happened_at": MOMENT, "freeze": 1}),
    "webhook_stopped": (_("Webhook stopped"), {"label": "ERP", "reason": "failing", "lost": 12, "endpoint": 1}),
    "case_given": (_("Case given"), {"case": 12, "due_at": MOMENT}),
    "case_overdue": (_("Case overdue"), {"case": 12, "due_at": MOMENT}),
    "survey_mails": (_("Survey mails to look at"), {"uncertain": 2, "failed": 1, "query": ""}),
    "campaign_missed": (
        _("Campaign missed its time"), {"campaign": "Before the holidays", "missed": 1, "run": 1, "planned_at": MOMENT},
    ),
    "surveys_stalled": (_("Survey mails do not leave"), {"since_at": MOMENT}),
    "monthly_report": (
        _("Monthly report"),
        {"month": "2026-10-01", "query": "?month=2026-10", "again": 4_870, "again_month": "2026-08-01", "owed": 18_240},
    ),
    "books_digest": (
        _("Digest of the books"),
        {
            "proof": SimpleNamespace(
                is_balanced=True, faults=[], customers=214, transactions=18_204, proven_at=MOMENT, digest="3f9a…c1"
            ),
            "freeze": None, "four_eyes": True,
        },
    ),
}  # fmt: skip
# Surveys show theirs beside their questions.
ELSEWHERE = {"survey_invitation"}


class NothingToShow(LookupError):
    """The mail is about a row of the shop, and there is none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A mail in one language."""

    subject: str
    text: str
    html: str


def kinds() -> dict[str, tuple[Any, Mapping[str, Any]]]:
    """Return every mail by its name: what it is, and what fills it."""
    return TO_CUSTOMERS | TO_STAFF


def write(*, kind: str, language: str) -> Written:
    """Write a mail with sample figures. Raises KeyError for a mail that is none, and NothingToShow."""
    context = {
        "customer": Customer(pk=1, name=NAMES[language], member_number="1000000001", language=language),
        "programme_name": "", "postal_address": settings.POSTAL_ADDRESS, "site_url": settings.SITE_URL,
        "opt_out_url": f"{settings.SITE_URL}/o/…/",
        **kinds()[kind][1], **_rows(kind),
    }  # fmt: skip
    with translation.override(language):
        context["programme_name"] = looks.name()
        parts = [_part(kind, name, context) for name in ("subject.txt", "body.txt", "body.html")]
    return Written(subject=" ".join(parts[0].split()), text=parts[1], html=parts[2])


def _part(kind: str, name: str, context: dict[str, Any]) -> str:
    """Return a part as a plain text: rendered texts count as safe, and of a mail without HTML nothing is escaped."""
    try:
        return render_to_string(f"emails/{kind}/{name}", context) + ""
    except TemplateDoesNotExist:
        return ""


def _rows(kind: str) -> dict[str, int | None]:
    """Return the newest row that a mail is about; some mails read theirs when they are written."""
    if kind == "coupon_issued":
        coupon, plan = (
            Coupon.objects.order_by("pk").last(),
            CouponPlan.objects.filter(has_mail=True).order_by("pk").last(),
        )
        if coupon is None or plan is None:
            raise NothingToShow
        return {"coupon": coupon.pk, "plan": plan.pk}
    if kind == "surprise":
        gift = SurpriseGift.objects.order_by("pk").last()
        if gift is None:
            raise NothingToShow
        return {"gift": gift.pk, "coupon": gift.coupon_id}
    return {}

"""What customers are told about their tier. Names go along in both languages, for the mail is written later."""

import datetime as dt

from customers.notices import Letter
from customers.timezones import programme_date
from rewards.models import Tier, TierMembership


def reached(row: TierMembership) -> Letter:
    """Say which tier it is, what it gives and until when."""
    context = {"tier": _names(row.tier), "percent": _percent(row.tier), "last_day": _last_day(row.kept_until)}
    return Letter(row.customer_id, "tier_reached", f"membership:{row.pk}", context)


def warning(row: TierMembership, *, grace_until: dt.datetime, lower: Tier | None, missing: int) -> Letter:
    """Say what is missing to keep the tier, until when, and what comes then."""
    context = {
        "tier": _names(row.tier),
        "next": _names(lower),
        "metric": row.tier.metric,
        "missing": missing,
        "last_day": _last_day(grace_until),
    }
    source = f"membership:{row.pk}:{programme_date(row.kept_until)}"
    return Letter(row.customer_id, "tier_warning", source, context)


def lowered(row: TierMembership, tier: Tier | None, *, is_return: bool = False) -> Letter:
    """Say that a tier is over, why, and which one it is now."""
    context = {"tier": _names(row.tier), "next": _names(tier), "is_return": is_return}
    return Letter(row.customer_id, "tier_lowered", f"membership:{row.pk}", context)


def _names(tier: Tier | None) -> dict[str, str]:
    return {"en": tier.name_en, "zh": tier.name_zh} if tier else {}


def _percent(tier: Tier) -> int:
    """How many per cent more points the tier gives, rounded down."""
    return (tier.multiplier - 10_000) // 100


def _last_day(end: dt.datetime) -> str:
    return programme_date(end - dt.timedelta(microseconds=1)).isoformat()

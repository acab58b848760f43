"""What members and friends read about bringing friends: gifts in words, and what became of each friend, without who they are."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from customers.templatetags.loyalty import points, short_day
from rewards import referrals
from rewards.models import CouponBatch, Referral

SHOWN = 50
State = Referral.State


@dataclass(frozen=True, slots=True)
class Line:
    """One friend: a number, never a name."""

    title: str
    text: str
    icon: str
    tone: str


def gift(*, number: int, batch: CouponBatch | None) -> str:
    """Return a gift in words, such as “100 points and Free coffee”; empty when there is none."""
    parts = [ngettext("%(points)s point", "%(points)s points", number) % {"points": points(number)}] if number else []
    parts += [f"“{batch.name}”"] if batch is not None else []
    return _("%(one)s and %(other)s") % {"one": parts[0], "other": parts[1]} if len(parts) == 2 else "".join(parts)


def friend_gift(*, code: str) -> str:
    """Return the sentence that greets whoever follows a member's link; empty when the link gives nothing."""
    if not code or referrals.member_of(code) is None:
        return ""
    offer = referrals.offer_in_force()
    words = offer and gift(number=offer.friend_points, batch=offer.friend_batch)
    return (
        _("A friend sends you %(gift)s, on your account as soon as you have joined.") % {"gift": words} if words else ""
    )


def lines_of(*, customer: Customer) -> list[Line]:
    """Return what became of the friends a member brought, the newest first."""
    rows = list(Referral.objects.filter(customer=customer).select_related("offer__advocate_batch").order_by("-joined_at", "-pk")[:SHOWN])  # fmt: skip
    total = Referral.objects.filter(customer=customer).count()
    return [_line(row, total - place) for place, row in enumerate(rows)]


def _line(row: Referral, number: int) -> Line:
    title = _("Friend %(number)d") % {"number": number}
    joined = _("joined on %(day)s") % {"day": short_day(row.joined_at)}
    offer = row.offer
    words = gift(number=offer.advocate_points, batch=offer.advocate_batch)
    match row.state:
        case State.GIVEN:
            text = _("your gift: %(gift)s") % {"gift": words} if words else _("has bought something")
            return Line(title, f"{joined} · {text}", "check", "good")
        case State.WAITING:
            return Line(title, f"{joined} · {_('waiting for a first purchase that is kept')}", "clock", "")
        case State.HELD:
            return Line(title, f"{joined} · {_('the shop is having a look')}", "hourglass", "")
    return Line(title, f"{joined} · {_('without a gift')}", "minus", "")

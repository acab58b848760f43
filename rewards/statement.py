"""The books in words: what each movement of points was, why, and what happens next. For the customer's pages and the admin."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from customers.templatetags.loyalty import last_day, money, month, points, short_day, signed
from customers.texts import local_text
from customers.timezones import programme_date
from rewards.models import PointLot, PointTransaction
from rewards.models.points import CUSTOMER_ACCOUNTS, Account, Kind

ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One movement as a person reads it."""

    sequence: int
    occurred_at: dt.datetime
    icon: str
    tone: str
    what: str
    why: list[str]
    outlook: list[str]
    points: str
    is_gain: bool
    is_pending: bool
    balance: int
    url: str
    month: str
    is_late: bool = False


def lines_of(transactions: Iterable[PointTransaction]) -> list[Line]:
    """Turn transactions, loaded with their store and lot, the newest first, into lines.

    The order is that in which they were written down. One that was told late, by an import for example, stays under the month
    in which it changed the balance, so that no month has two headings, and says its own day.
    """
    lines, latest = [], None
    for transaction in reversed(list(transactions)):
        line, day = line_of(transaction), programme_date(transaction.occurred_at)
        if latest is not None and (day.year, day.month) < (latest.year, latest.month):
            line = replace(line, month=month(latest), is_late=True)
        else:
            latest = day
        lines.append(line)
    return lines[::-1]


# What a reader may ask for, by the word in the address.
SHOWN = {
    "earned": {"kind__in": [Kind.EARN, Kind.REINSTATE]},
    "spent": {"kind__in": [Kind.REDEEM, Kind.HOLD, Kind.RELEASE]},
    "expired": {"kind": Kind.EXPIRE},
    "returned": {"kind": Kind.REVERSE},
    "other": {"kind__in": [Kind.ADJUST, Kind.TRANSFER, Kind.WRITE_OFF]},
}


def kinds() -> list[tuple[str, str]]:
    """Return the words of SHOWN with their labels."""
    labels = [_("Earned"), _("Spent"), _("Expired"), _("Returned"), _("Other")]
    return list(zip(SHOWN, labels, strict=True))


def rows_of(*, customer: Customer, before: int | None = None, show: str = "") -> QuerySet[PointTransaction]:
    """Return a customer's movements below a sequence, newest first, loaded with what their lines need.

    `show` is a word of SHOWN; any other shows all.
    """
    rows = customer.point_transactions.select_related("store", "lot").order_by("-sequence")
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    return rows.filter(**SHOWN.get(show, {}))


def page_of(*, customer: Customer, before: int | None, size: int, show: str = "") -> tuple[list[Line], int | None]:
    """Return the newest lines below a sequence (all when None), and the sequence to go on below, None at the end."""
    found = list(rows_of(customer=customer, before=before, show=show)[: size + 1])
    page = found[:size]
    return lines_of(page), page[-1].sequence if len(found) > size else None


def line_of(transaction: PointTransaction) -> Line:
    """Turn one transaction into a line."""
    within = is_inside(transaction)
    gain = 0 if within else signed_for_customer(transaction)
    icon, tone = _LOOK.get(transaction.kind, ("points", ""))
    if transaction.kind in (Kind.REVERSE, Kind.ADJUST):
        tone = "good" if gain > 0 else "bad"
    return Line(
        sequence=transaction.sequence,
        occurred_at=transaction.occurred_at,
        icon=_cause_icon(transaction) or icon,
        tone=tone,
        what=_what(transaction, gain),
        why=_why(transaction),
        outlook=_outlook(transaction),
        points=points(transaction.points) if within else signed(gain),
        is_gain=gain > 0,
        is_pending=_is_pending(transaction),
        balance=transaction.active_after,
        url=_url(transaction.source),
        month=month(transaction.occurred_at),
    )


def is_inside(transaction: PointTransaction) -> bool:
    """Return whether points only moved between the customer's own accounts, which gives and takes nothing."""
    return transaction.from_account in CUSTOMER_ACCOUNTS and transaction.to_account in CUSTOMER_ACCOUNTS


def signed_for_customer(transaction: PointTransaction) -> int:
    """Return what the movement gives (above 0) or takes (below 0).

    A debt is a customer's account that stands below 0: what is booked out of it takes as much as what leaves the others.
    """
    return transaction.points if transaction.to_account in CUSTOMER_ACCOUNTS else -transaction.points


def reasons_of(explanation: dict[str, Any] | None) -> list[str]:
    """Return the sentences behind an award: a rule and its points each, then the multiplier over all."""
    if not explanation:
        return []
    sentences = [_part(part) for part in explanation.get("parts", []) if part.get("points")]
    for rule in explanation.get("multipliers", []):
        sentences.append(
            _("%(rule)s: × %(factor)s") % {"rule": _name(rule), "factor": f"{rule['multiplier'] / ONCE:g}"}
        )
    multiplier, coupon = explanation.get("multiplier") or ONCE, explanation.get("coupon") or ONCE
    if multiplier != ONCE:
        sentences.append(_("All of it × %(factor)s for the tier") % {"factor": f"{multiplier / ONCE:g}"})
    if coupon != ONCE:
        sentences.append(_("All of it × %(factor)s with the coupon") % {"factor": f"{coupon / ONCE:g}"})
    sentences += [_("Without points: %(rule)s") % {"rule": _name(rule)} for rule in explanation.get("exclusions", [])]
    if count := explanation.get("left_out"):
        sentence = ngettext(
            "Without points: %(count)d article that never earns",
            "Without points: %(count)d articles that never earn",
            count,
        )
        sentences.append(sentence % {"count": count})  # fmt: skip
    if cap := explanation.get("cap"):
        values = {"rule": _name(cap), "points": points(cap["trimmed"])}
        sentences.append(_("%(rule)s: %(points)s more are not counted") % values)
    return sentences


def _name(rule: dict[str, Any]) -> str:
    return local_text(rule.get("name_en", ""), rule.get("name_zh", "")) or rule.get("key", "")


def _part(part: dict[str, Any]) -> str:
    values = {"rule": _name(part), "points": points(part["points"]), "basis": money(part.get("basis") or 0)}
    if part.get("kind") == "amount" and part.get("basis"):
        return (
            ngettext("%(rule)s: %(points)s point for %(basis)s", "%(rule)s: %(points)s points for %(basis)s", part["points"])
            % values
        )  # fmt: skip
    return ngettext("%(rule)s: %(points)s point", "%(rule)s: %(points)s points", part["points"]) % values


_LOOK = {
    Kind.EARN: ("points", "good"),
    Kind.REDEEM: ("gift", "brand-tint"),
    Kind.EXPIRE: ("hourglass", ""),
    Kind.REVERSE: ("undo", ""),
    Kind.ADJUST: ("person", ""),
    Kind.TRANSFER: ("people", ""),
    Kind.HOLD: ("lock", ""),
    Kind.RELEASE: ("lock", ""),
    Kind.WRITE_OFF: ("minus", ""),
    Kind.REINSTATE: ("undo", "good"),
    Kind.ACTIVATE: ("check", ""),
}
_CAUSE_ICONS = {
    "purchase": "bag",
    "survey": "speech",
    "birthday": "gift",
    "referral": "people",
    "referred": "heart",
    "review": "star",
}


def _cause(transaction: PointTransaction) -> str:
    return transaction.source.partition(":")[0]


def _cause_icon(transaction: PointTransaction) -> str | None:
    return _CAUSE_ICONS.get(_cause(transaction)) if transaction.kind == Kind.EARN else None


def _what(transaction: PointTransaction, gain: int) -> str:
    store = transaction.store.name if transaction.store else ""
    cause = _cause(transaction)
    match transaction.kind:
        case Kind.EARN if cause == "purchase":
            return _("Purchase at %(store)s") % {"store": store} if store else _("Purchase")
        case Kind.EARN:
            return _EARNED.get(cause, lambda: _("Points for you"))()
        case Kind.REDEEM if cause == "reward":
            return _("Reward taken")
        case Kind.REDEEM:
            return _("Spent at %(store)s") % {"store": store} if store else _("Spent")
        case Kind.REVERSE if cause == "return":
            return _("Points given back after a return") if gain > 0 else _("Points taken back for a return")
        case Kind.REVERSE if cause == "reward":
            return _("Reward cancelled")
        case Kind.REVERSE:
            return _("Given back") if gain > 0 else _("Taken back")
        case Kind.ADJUST:
            return _("A present from the shop") if gain > 0 else _("Corrected by the shop")
        case Kind.EXPIRE:
            return _("Expired")
        case Kind.ACTIVATE:
            return _("Ready to spend")
        case Kind.HOLD:
            return _("Set aside for you")
        case Kind.RELEASE:
            return _("No longer set aside")
        case Kind.TRANSFER if cause == "return" and gain < 0:
            return _("Points taken back for a return")
        case Kind.TRANSFER if cause in ("merge", "return"):
            return _("From your other member number") if gain > 0 else _("To your other member number")
        case Kind.TRANSFER:
            return _("From another customer") if gain > 0 else _("To another customer")
        case Kind.WRITE_OFF if gain > 0:
            return _("Waived by the shop")
        case Kind.REINSTATE if cause == "return":
            return _("Already expired, so not taken again")
        case Kind.REINSTATE:
            return _("Expired points brought back")
    return transaction.get_kind_display()


_EARNED = {
    "survey": lambda: _("Thank you for your answers"),
    "birthday": lambda: _("Happy birthday"),
    "sign_up": lambda: _("Welcome"),
    "referral": lambda: _("A friend came along"),
    "referred": lambda: _("Welcome, as a friend"),
    "review": lambda: _("Thank you for your review"),
}


def _why(transaction: PointTransaction) -> list[str]:
    sentences = [transaction.note] if transaction.note else []
    if transaction.to_account == Account.DEBT:
        sentences.append(
            _("You need not make up for it.")
            if transaction.kind in (Kind.WRITE_OFF, Kind.REINSTATE) and _cause(transaction) == "return"
            else _("Settles what was open from an earlier return.")
        )
    elif transaction.from_account == Account.DEBT:
        sentences.append(_("The points were no longer there; the next ones you earn make up for what is still open."))
    if transaction.kind == Kind.EARN:
        sentences += reasons_of(transaction.explanation)
    return sentences


def _is_pending(transaction: PointTransaction) -> bool:
    lot = lot_of(transaction)
    return lot is not None and lot.activated_at is None and lot.remaining > 0


def lot_of(transaction: PointTransaction) -> PointLot | None:
    """Return the lot that a movement opened."""
    return getattr(transaction, "lot", None)


def absence_of(lot: PointLot) -> str:
    """Say after how long an absence the points of a lot end; empty for all others."""
    if lot.expires_at is not None or lot.inactive_months is None:
        return ""
    sentence = ngettext(
        "Valid until %(count)d month after your last activity, to the end of that month",
        "Valid until %(count)d months after your last activity, to the end of that month",
        lot.inactive_months,
    )
    return sentence % {"count": lot.inactive_months}


def _outlook(transaction: PointTransaction) -> list[str]:
    """Say when the points of a lot become spendable and when they expire."""
    lot = lot_of(transaction)
    if lot is None:
        return []
    sentences = []
    if _is_pending(transaction):
        sentences.append(_("Spendable from %(day)s") % {"day": short_day(lot.activates_at)})
    if lot.expires_at is not None and lot.remaining:
        sentences.append(_("Valid until %(day)s") % {"day": last_day(lot.expires_at)})
    elif lot.remaining and (ends := absence_of(lot)):
        sentences.append(ends)
    return sentences


def _url(source: str) -> str:
    cause, _colon, key = source.partition(":")
    return reverse("purchase", args=[int(key)]) if cause == "purchase" and key.isdecimal() else ""

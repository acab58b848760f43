"""What an action of a till did, in the words that the cashier and the customer read."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.finding import shorten
from customers.templatetags.loyalty import money, points
from customers.timezones import zone
from rewards.models import RewardOrder, TillAction, ValueAccount
from rewards.stamps import Stamped

Kind = TillAction.Kind
_LOOK = {
    Kind.ENROL: ("plus", "brand-tint"),
    Kind.SALE: ("bag", "good"),
    Kind.COUPON: ("ticket", "good"),
    Kind.RETURN: ("undo", "bad"),
    Kind.UNDO: ("undo", "warn"),
    Kind.CARD_SOLD: ("card", "good"),
    Kind.CARD_FILLED: ("card", "good"),
    Kind.PICKUP: ("gift", "good"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence and its icon."""

    icon: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An action in the journal."""

    action: TillAction
    headline: str
    detail: str
    icon: str
    tone: str
    clock: str
    is_undone: bool
    may_undo: bool


def row_of(*, action: TillAction, may_undo: bool) -> Row:
    """Return an action, loaded with what it names, as the journal shows it."""
    icon, tone = _LOOK.get(action.kind, ("check", ""))
    is_undone = hasattr(action, "undone_by")
    parts = [clock(action.occurred_at), *where(action)]
    return Row(
        action=action,
        headline=_("%(what)s (undone)") % {"what": headline(action)} if is_undone else headline(action),
        detail=" · ".join(parts[1:]),
        icon=icon,
        tone="" if is_undone else tone,
        clock=parts[0],
        is_undone=is_undone,
        may_undo=may_undo and not is_undone,
    )


def clock(moment: dt.datetime) -> str:
    """Write the time of day on the programme's clock."""
    return f"{moment.astimezone(zone('')):%H:%M}"


def headline(action: TillAction) -> str:
    """Say in a few words what an action was."""
    match action.kind:
        case Kind.ENROL:
            return _("Enrolled")
        case Kind.SALE:
            return _("Sale of %(amount)s") % {"amount": money(action.purchase.total)}
        case Kind.COUPON:
            return _("Coupon taken: %(name)s") % {"name": action.coupon_use.coupon.batch.name}
        case Kind.RETURN:
            return _("Return of %(amount)s") % {"amount": money(action.goods_back.total)}
        case Kind.CARD_SOLD:
            return _("Gift card of %(amount)s sold") % {"amount": money(action.money)}
        case Kind.CARD_FILLED:
            return _("%(amount)s put on a card") % {"amount": money(action.money)}
        case Kind.UNDO if action.source:
            return _("Undone: the money is off the card again")
        case Kind.UNDO if action.coupon_use is not None:
            return _("Undone: the coupon is the customer's again")
        case Kind.UNDO:
            return _("Undone: the sale is taken back")
    return str(action.get_kind_display())


def where(action: TillAction) -> list[str]:
    """Return receipt, till, person and customer, each in a word; no more of a name than a counter may show."""
    parts = [action.purchase.reference] if action.purchase is not None else []
    parts.append(_("till %(till)s") % {"till": action.till})
    parts.append(action.by.get_short_name())
    if action.customer is not None:
        parts.append(f"{shorten(action.customer.name)} …{action.customer.member_number[-4:]}")
    return parts


def facts(context: dict[str, Any]) -> list[Fact]:
    """Return the sentences about what an action did, from what till_results.of gathered."""
    action = context["action"]
    found: list[Fact] = []
    if action.kind == Kind.SALE:
        found = _sale(context)
    elif action.kind == Kind.ENROL:
        found = [Fact("card", _("The member number is %(number)s.") % {"number": action.customer.member_number})]
    elif action.kind in (Kind.CARD_SOLD, Kind.CARD_FILLED):
        found = _card(context["account"], action.money)
    elif action.kind == Kind.PICKUP:
        found = _handed_over(context["order"])
    elif action.kind == Kind.UNDO and context.get("account"):
        found = [Fact("bag", _("Give back %(amount)s in money.") % {"amount": money(-action.money)})]
    elif action.kind == Kind.COUPON:
        found = [Fact("ticket", _("Hand over what the coupon promises."))]
    elif context.get("back"):
        found = _back(context["back"])
    if action.customer is not None and action.kind != Kind.ENROL:
        found.append(_balance(context["balance"].active))
    return found


def _sale(context: dict[str, Any]) -> list[Fact]:
    purchase, spent, earned = context["purchase"], context["spent"], context["earned"]
    found = [Fact("bag", _("%(amount)s paid in money.") % {"amount": money(purchase.to_pay)})]
    for use in context["coupon_uses"]:
        values = {"name": use.coupon.batch.name, "amount": money(use.discount)}
        text = _("Coupon “%(name)s” used, %(amount)s off.") if use.discount else _("Coupon “%(name)s” used.")
        found.append(Fact("ticket", text % values))
    if spent:
        text = ngettext("%(points)s point paid for %(amount)s.", "%(points)s points paid for %(amount)s.", spent)
        found.append(Fact("points", text % {"points": points(spent), "amount": money(purchase.paid_by_points)}))
    if purchase.paid_by_value:
        amount = money(purchase.paid_by_value)
        found.append(Fact("card", _("%(amount)s paid by gift card or store credit.") % {"amount": amount}))
    if purchase.customer_id is not None:
        text = ngettext("%(points)s point earned.", "%(points)s points earned.", earned)
        found.append(Fact("star", text % {"points": points(earned)} if earned else _("No points for this purchase.")))
    found += [Fact(one.card.icon, stamped(one)) for one in context["stamps"]]
    if context["new_tier"] is not None:
        found.append(
            Fact("heart", _("New tier: %(tier)s. Congratulate them!") % {"tier": context["new_tier"].tier.name})
        )
    return found


def stamped(one: Stamped) -> str:
    """Say what a sale did to a stamp card: “Coffee card: 2 stamps, 3 to go.”"""
    values = {"card": one.card.name, "stamps": one.earned, "missing": one.missing, "coupons": one.coupons}
    text = ngettext("%(card)s: %(stamps)d stamp, %(missing)d to go.", "%(card)s: %(stamps)d stamps, %(missing)d to go.", one.earned) % values  # fmt: skip
    if one.coupons:
        text += " " + ngettext("Full: a coupon is on the customer's card!", "Full: %(coupons)d coupons are on the customer's card!", one.coupons) % values  # fmt: skip
    return text


def _back(back: dict[str, Any]) -> list[Fact]:
    found = [Fact("bag", _("Give back %(amount)s in money.") % {"amount": money(back["money"])})]
    if back["given"]:
        text = ngettext(
            "%(points)s point that paid for it is the customer's again.",
            "%(points)s points that paid for it are the customer's again.",
            back["given"],
        )
        found.append(Fact("points", text % {"points": points(back["given"])}))
    if back["taken"]:
        text = ngettext(
            "%(points)s point it had earned is taken back.", "%(points)s points it had earned are taken back.", back["taken"]
        )  # fmt: skip
        found.append(Fact("minus", text % {"points": points(back["taken"])}))
    if back["value"]:
        text = _("%(amount)s went back to the gift card or store credit that paid.")
        found.append(Fact("card", text % {"amount": money(back["value"])}))
    for use in back["coupons"]:
        text = _("The coupon “%(name)s” is the customer's again.") % {"name": use.coupon.batch.name}
        found.append(Fact("ticket", text))
    return found


def _card(account: ValueAccount, amount: int) -> list[Fact]:
    values = {"amount": money(amount), "balance": money(account.balance)}
    return [
        Fact("bag", _("%(amount)s paid in money.") % values),
        Fact("card", _("There is %(balance)s on it now.") % values),
    ]


def _handed_over(order: RewardOrder) -> list[Fact]:
    found = [Fact("gift", _("Hand over: %(reward)s") % {"reward": order.reward.name})]
    if order.price:
        found.append(Fact("bag", _("%(amount)s paid in money.") % {"amount": money(order.price)}))
    return found


def _balance(active: int) -> Fact:
    text = ngettext(
        "The customer can spend %(points)s point now.", "The customer can spend %(points)s points now.", active
    )
    return Fact("points", text % {"points": points(active)})

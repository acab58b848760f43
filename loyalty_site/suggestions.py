"""One next step for the customer: the most urgent first, and always one that leads somewhere good."""

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from customers.templatetags.loyalty import last_moment, near_day, points
from rewards import catalogue, showcase
from rewards.models import RewardOrder
from rewards.outlook import Change
from rewards.passes import Pass
from rewards.showcase import Offer
from surveys import comparing, links, waiting
from surveys.models import Invitation

SOON = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A sentence, what stands behind it, and where it leads."""

    icon: str
    title: str
    text: str
    url: str


def suggestion_for(*, customer: Customer, tickets: list[Pass], expiring: Change | None, now: dt.datetime) -> Suggestion:
    """Return the step worth showing: what is about to end, a question that waits, a reward in reach, the card."""
    if ticket := next((ticket for ticket in tickets if ticket.hurry), None):
        return _use(ticket)
    if orders := catalogue.open_orders_of(customer=customer, now=now):
        return _pick_up(orders[0], now)
    if expiring and expiring.at - now <= SOON:
        return _spend(expiring, now)
    if invitation := waiting.open_invitations(customer=customer, now=now).first():
        return _answer(invitation)
    if offer := showcase.nearest(customer=customer, now=now):
        return _reach(offer)
    return Suggestion("card", _("Show your card at the till"), _("Every purchase earns you points."), reverse("card"))


def _use(ticket: Pass) -> Suggestion:
    title = _("%(coupon)s is waiting for you") % {"coupon": ticket.name}
    url = reverse("coupon", args=[ticket.coupon.pk])
    return Suggestion("ticket", title, f"{ticket.hurry} · {ticket.validity}", url)


def _spend(expiring: Change, now: dt.datetime) -> Suggestion:
    text = ngettext(
        "Spend %(points)s point by %(day)s, before it expires.",
        "Spend %(points)s points by %(day)s, before they expire.",
        expiring.points,
    ) % {"points": points(expiring.points), "day": near_day(last_moment(expiring.at), now)}
    return Suggestion("hourglass", _("Treat yourself in time"), text, reverse("rewards"))


def _answer(invitation: Invitation) -> Suggestion:
    thanks = invitation.run.campaign.points if comparing.is_promised(invitation=invitation) else 0
    text = _("It takes a minute.")
    if thanks:
        text = ngettext(
            "It takes a minute and earns %(points)s point.", "It takes a minute and earns %(points)s points.", thanks
        ) % {"points": points(thanks)}
    token = links.token(purpose=links.Purpose.ANSWER, invitation_id=invitation.pk)
    return Suggestion("speech", _("How was it?"), text, reverse("survey_answer", args=[token]))


def _pick_up(order: RewardOrder, now: dt.datetime) -> Suggestion:
    title = _("%(reward)s is waiting for you") % {"reward": order.reward.name}
    text = _("Pick it up until %(day)s.") % {"day": near_day(last_moment(order.pick_up_until), now)}
    return Suggestion(order.reward.icon, title, text, reverse("reward_order", args=[order.pk]))


def _reach(offer: Offer) -> Suggestion:
    url = reverse("reward", args=[offer.reward.slug])
    if offer.is_within_reach:
        title = _("You can have: %(reward)s") % {"reward": offer.reward.name}
        return Suggestion(offer.reward.icon, title, _("Take it now, or save for something bigger."), url)
    title = _("Next in reach: %(reward)s") % {"reward": offer.reward.name}
    return Suggestion(offer.reward.icon, title, offer.status, url)

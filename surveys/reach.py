"""Why did somebody get a mail or not: what is written down about one customer in one campaign, in words."""

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from customers import segments
from customers.models import Customer
from customers.search import spellings
from surveys.models import Campaign, Invitation, Occasion


@dataclass(frozen=True)
class Finding:
    """One sentence about one run or occasion, and when that was."""

    at: dt.datetime | None
    what: str
    why: str


@dataclass(frozen=True)
class Explanation:
    """The customer, if anybody was found, and everything that is known, newest first."""

    customer: Customer | None
    findings: list[Finding]


def explain(*, campaign: Campaign, text: str, now: dt.datetime) -> Explanation:
    """Find a customer by number, address or phone and say what became of them in a campaign."""
    customer = whom(text)
    if customer is None:
        return Explanation(None, [])
    rows = Invitation.objects.filter(run__campaign=campaign, customer=customer).select_related("run")
    findings = [found for row in rows.prefetch_related("messages").order_by("-created_at", "pk") for found in _of(row)]
    others = campaign.occasions.filter(customer=customer).exclude(state=Occasion.State.CONSIDERED)
    findings += [
        Finding(occasion.occurred_at, occasion.source, occasion.get_state_display())
        for occasion in others.order_by("-occurred_at", "-pk")[:50]
    ]
    if not findings:
        findings = [Finding(None, campaign.name, _not_considered(campaign, customer, now))]
    return Explanation(customer, findings)


def _of(row: Invitation) -> list[Finding]:
    if row.skip:
        return [Finding(row.created_at, row.run.period, _("skipped: %s") % row.get_skip_display())]
    found = []
    for message in sorted(row.messages.all(), key=lambda message: (message.kind, message.number)):
        why = message.get_state_display()
        if message.error:
            why = f"{why} · {message.error}"
        if message.finished_at is None:
            why = _("%(state)s, not before %(moment)s") % {
                "state": why, "moment": f"{message.not_before:%Y-%m-%d %H:%M} UTC",
            }  # fmt: skip
        what = f"{row.run.period} · {message.get_kind_display()} {message.number}"
        found.append(Finding(message.finished_at or message.created_at, what, why))
    return found


def _not_considered(campaign: Campaign, customer: Customer, now: dt.datetime) -> str:
    if customer.erased_at or customer.merged_into_id:
        return _("This customer no longer takes part.")
    if campaign.state == Campaign.State.DRAFT:
        return _("The campaign is a draft: nobody was considered yet.")
    inside = segments.find(campaign.segment) is not None and segments.members(
        campaign.segment, now=now, store=campaign.store
    ).filter(pk=customer.pk)
    if not inside or not inside.exists():
        return _("Not in the audience, as it is now, so never considered.")
    if campaign.is_triggered:
        return _("In the audience, but nothing has happened that this campaign asks about.")
    return _("In the audience now, but not considered yet: no run has begun since, or this one enrolled later.")


def whom(text: str) -> Customer | None:
    """Return the customer of a number, an address or a phone number, written whole."""
    text = text.strip()
    found = Customer.objects.filter(member_number__iexact=text).first()
    return found or Customer.objects.filter(identifiers__normalised__in=spellings(text)).order_by("pk").first()

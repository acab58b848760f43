"""Thanks by a coin: some of those who are asked are promised none, so that a campaign learns whether its thanks bring people back.

Who is asked is assigned before anything leaves, in the transaction that writes the invitation. The coin is the customer's:
it falls the same way in every run of a campaign. docs/surprises.md says how it is measured.
"""

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet

from rewards import coins, outcomes, sale, trials, uplift
from rewards.models import Assignment, CouponBatch, Trial
from rewards.trials import Occasion
from rewards.uplift import Report
from surveys.models import Campaign, Invitation, LinkThanks, RewardGrant, Run


def toss(*, run: Run, customer_ids: Sequence[int], now: dt.datetime) -> None:
    """Toss for those of some customers whom a run has just invited; the caller's transaction holds the run."""
    campaign = run.campaign
    if not campaign.thanks_holdout or not customer_ids:
        return
    asked = Invitation.objects.filter(
        run=run, skip="", customer__gte=min(customer_ids), customer__lte=max(customer_ids)
    )
    invited = sorted(set(asked.values_list("customer", flat=True)) & set(customer_ids))
    if invited:
        occasions = [Occasion(pk, f"survey:{campaign.pk}:{pk}", {"campaign": campaign.pk}) for pk in invited]
        trials.assign(trial=_trial_of(campaign, now), occasions=occasions, now=now)


def is_promised(*, invitation: Invitation) -> bool:
    """Return whether somebody who was asked is promised the campaign's thanks; where no coin is tossed, everybody is."""
    assignment = _assignment(invitation)
    return assignment is None or assignment.is_gift


def note_thanks(*, invitation: Invitation, points: int, batch: CouponBatch | None) -> None:
    """Write down what the thanks cost the shop: what the points pay for, and the cost price of the coupon."""
    assignment = _assignment(invitation)
    if assignment is not None:
        cost = sale.value_of(points) + (batch.cost_price if batch else 0)
        trials.note_cost(assignment=assignment, cost=cost)


def report(*, campaign: Campaign, now: dt.datetime) -> Report:
    """Return what the trial of a campaign's thanks says at an instant."""
    return uplift.report(trial=campaign.trial, now=now, too=got_it_too(campaign=campaign, now=now))


def got_it_too(*, campaign: Campaign, now: dt.datetime) -> int:
    """Return how many of those asked without thanks were given the same by another way, within their days.

    That is a coupon of the same batch, whoever gave it, or points for answering the same survey: by another campaign, or by a link.
    """
    ways = []
    if campaign.coupon_batch is not None:
        ways.append(Q(outcomes.given_coupon(batch=campaign.coupon_batch, now=now)))
    if campaign.points:
        mailed = RewardGrant.objects.filter(state=RewardGrant.State.GRANTED, invitation__customer=OuterRef("customer"))
        linked = LinkThanks.objects.filter(customer=OuterRef("customer"))
        ways += [_thanked(mailed, "decided_at", campaign, now), _thanked(linked, "earned_at", campaign, now)]
    return outcomes.left_out(trial=campaign.trial).filter(reduce(or_, ways)).count() if ways else 0


def _thanked(rows: QuerySet, given_at: str, campaign: Campaign, now: dt.datetime) -> Q:
    """Return the condition of an assignment that its customer got points by some thanks for the same survey, within the days."""
    within = {f"{given_at}__gt": OuterRef("assigned_at"), f"{given_at}__lte": OuterRef("closes_at")}
    same = rows.filter(campaign__survey=campaign.survey_id, points__gt=0)
    return Q(Exists(same.filter(**within).filter(**{f"{given_at}__lte": now})))


def close(*, campaign: Campaign, now: dt.datetime, is_cut_short: bool) -> None:
    """Assign nobody any more; what was assigned is counted to its end."""
    if campaign.trial is not None:
        trials.close(trial=campaign.trial, now=now, is_cut_short=is_cut_short)


def _assignment(invitation: Invitation) -> Assignment | None:
    trial_id = invitation.run.campaign.trial_id
    if trial_id is None:
        return None
    rows = Assignment.objects.filter(trial=trial_id, customer=invitation.customer_id)
    return rows.order_by("number").first()


def _trial_of(campaign: Campaign, now: dt.datetime) -> Trial:
    """Return the campaign's trial, opened with the first invitation; the campaign's row is the lock."""
    held = Campaign.objects.select_for_update(of=("self",), no_key=True).select_related("trial").get(pk=campaign.pk)
    if held.trial is None:
        held.trial = trials.open_trial(
            kind=Trial.Kind.SURVEY, name=held.name, now=now, by=held.by, odds=coins.ALL - held.thanks_holdout
        )
        held.save(update_fields=["trial"])
    campaign.trial = held.trial
    return held.trial

"""The thanks for an answer: the same whatever was answered, once per invitation, within the campaign's budget.

What is in doubt is held, not refused; somebody looks at it and lets it go. Locks are taken in the order invitation, campaign,
then those of the points and of the coupon.
"""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from customers.models import User
from customers.timezones import end_of_day, programme_date, start_of_day
from rewards import coupons, ledger
from rewards.dates import end_of_month_after
from rewards.models import CouponBatch
from surveys import comparing
from surveys.models import Campaign, Invitation, RewardGrant

POINTS_LAST_MONTHS = 12
State, Reason = RewardGrant.State, RewardGrant.Reason


class AlreadyDecided(Exception):
    """These thanks were given or refused before."""

    def __init__(self, *, grant: RewardGrant) -> None:
        self.grant = grant
        super().__init__(_("These thanks are decided already: %(state)s.") % {"state": grant.get_state_display()})


class NothingLeft(Exception):
    """The coupon cannot be issued, so the thanks stay held."""

    def __init__(self, *, batch: CouponBatch) -> None:
        self.batch = batch
        super().__init__(_("“%(batch)s” gives no coupon at the moment; the thanks stay held.") % {"batch": batch})


class Promise(NamedTuple):
    """What a page may promise for an answer."""

    points: int
    coupon_batch: CouponBatch | None

    def __bool__(self) -> bool:
        return bool(self.points or self.coupon_batch)


NOTHING = Promise(0, None)


def promise(*, campaign: Campaign, invitation: Invitation | None = None) -> Promise:
    """Return what may be promised to whoever answers now: nothing once all thanks of the campaign are used up.

    Nothing either to somebody whom the coin asks without thanks, to compare.
    """
    if invitation is not None and not comparing.is_promised(invitation=invitation):
        return NOTHING
    if campaign.thanks_limit is not None and _used(campaign) >= campaign.thanks_limit:
        return NOTHING
    return Promise(campaign.points, campaign.coupon_batch)


def give(*, invitation: Invitation, doubts: Iterable[str], now: dt.datetime) -> RewardGrant | None:
    """Give an invited customer the campaign's thanks, or hold them when in doubt or over budget; once per invitation.

    Must be called in the transaction that takes the answer, with the invitation locked. Returns None where the campaign
    promises nothing, and where the coin asked without thanks.
    """
    campaign = invitation.run.campaign
    if not Promise(campaign.points, campaign.coupon_batch) or not comparing.is_promised(invitation=invitation):
        return None
    campaign = lock(campaign)
    reasons = [str(doubt) for doubt in doubts] + exhausted(campaign=campaign, now=now)
    grant, is_new = RewardGrant.objects.get_or_create(
        invitation=invitation,
        defaults={"campaign": campaign, "state": State.HELD, "reasons": reasons, "earned_at": now},
    )
    if is_new and not reasons:
        try:
            _pay(grant, campaign, now)
        except NothingLeft:
            grant.reasons = [Reason.NO_COUPON.value]
            grant.save(update_fields=["reasons"])
    return grant


def release(*, grant: RewardGrant, by: User | None, now: dt.datetime) -> RewardGrant:
    """Give the thanks that were held, over the budget too, since somebody has decided so.

    Raises AlreadyDecided and NothingLeft.
    """
    with transaction.atomic():
        grant = _held(grant)
        grant.by = by
        _pay(grant, lock(grant.campaign), now)
    return grant


def refuse(*, grant: RewardGrant, by: User, now: dt.datetime) -> RewardGrant:
    """Decide that there are no thanks for an answer that was no honest one. Raises AlreadyDecided."""
    with transaction.atomic():
        grant = _held(grant)
        grant.state, grant.by, grant.decided_at = State.REFUSED, by, now
        grant.save(update_fields=["state", "by", "decided_at"])
    return grant


def release_due(*, now: dt.datetime) -> int:
    """Give what only waited for the next day's budget, oldest first, and return how many were given."""
    today = programme_date(now)
    waiting = RewardGrant.objects.filter(state=State.HELD, campaign__thanks_per_day__isnull=False).order_by("pk")
    given = 0
    for pk, reasons, earned_at in list(waiting.values_list("pk", "reasons", "earned_at")):
        if reasons == [Reason.DAILY_BUDGET.value] and programme_date(earned_at) < today:
            given += _release_within_budget(pk, now)
    return given


def _release_within_budget(pk: int, now: dt.datetime) -> bool:
    with transaction.atomic():
        grant = RewardGrant.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=pk)
        campaign = lock(grant.campaign)
        if grant.state != State.HELD or exhausted(campaign=campaign, now=now):
            return False
        try:
            _pay(grant, campaign, now)
        except NothingLeft:
            grant.reasons = [Reason.NO_COUPON.value]
            grant.save(update_fields=["reasons"])
            return False
    return True


def lock(campaign: Campaign) -> Campaign:
    """Return the campaign, locked where there is something to count, so that a budget cannot be overdrawn."""
    if campaign.thanks_per_day is None and campaign.thanks_limit is None:
        return campaign
    return (
        Campaign.objects.select_for_update(of=("self",), no_key=True).select_related("coupon_batch").get(pk=campaign.pk)
    )


def exhausted(*, campaign: Campaign, now: dt.datetime) -> list[str]:
    """Return why a campaign gives no more thanks now: the day's or all are used up, by mail and by links together."""
    if campaign.thanks_limit is not None and _used(campaign) >= campaign.thanks_limit:
        return [Reason.LIMIT.value]
    if campaign.thanks_per_day is None:
        return []
    day = programme_date(now)
    today = campaign.grants.filter(state=State.GRANTED, granted_date=day).count()
    by_link = campaign.link_thanks.filter(earned_at__gte=start_of_day(day), earned_at__lt=end_of_day(day)).count()
    return [Reason.DAILY_BUDGET.value] if today + by_link >= campaign.thanks_per_day else []


def _used(campaign: Campaign) -> int:
    return campaign.grants.filter(state=State.GRANTED).count() + campaign.link_thanks.count()


def _held(grant: RewardGrant) -> RewardGrant:
    rows = RewardGrant.objects.select_for_update(of=("self",))
    grant = rows.select_related("campaign__coupon_batch", "invitation__customer", "invitation__run").get(pk=grant.pk)
    if grant.state != State.HELD:
        raise AlreadyDecided(grant=grant)
    return grant


def _pay(grant: RewardGrant, campaign: Campaign, now: dt.datetime) -> None:
    """Book points and issue the coupon in a step that is done whole or not at all."""
    invitation, source = grant.invitation, f"survey:{grant.invitation_id}"
    with transaction.atomic():
        if campaign.points:
            with translation.override(invitation.language):
                note = _("Thank you for answering our survey")
            ledger.earn(
                customer=invitation.customer,
                points=campaign.points,
                source=source,
                occurred_at=now,
                expires_at=end_of_month_after(now, POINTS_LAST_MONTHS),
                note=note,
                explanation={"campaign": campaign.pk, "run": invitation.run_id},
            )
        if batch := campaign.coupon_batch:
            try:
                grant.coupon = coupons.issue(batch=batch, customer=invitation.customer, source=source, now=now)
            except (coupons.BatchNotActive, coupons.BatchLimitReached) as error:
                raise NothingLeft(batch=batch) from error
        comparing.note_thanks(invitation=invitation, points=campaign.points, batch=campaign.coupon_batch)
        grant.state, grant.points, grant.granted_date = State.GRANTED, campaign.points, programme_date(now)
        grant.decided_at = now
        grant.save(update_fields=["state", "points", "coupon", "granted_date", "decided_at", "by"])

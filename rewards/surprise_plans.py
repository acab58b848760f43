"""The life of a surprise: drafted, approved by another person in the version they saw, stopped for a reason."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from customers import segments
from customers.models import Purchase, User
from rewards import trials
from rewards.models import CouponBatch, EarningRule, Reward, StampCard, Surprise, Trial

Trigger, Gift, State, Stop = Surprise.Trigger, Surprise.Gift, Surprise.State, Surprise.Stop
EVENT_OF_TRIGGER = {Trigger.BIRTHDAY: EarningRule.Event.BIRTHDAY}


class SurpriseChanged(Exception):
    """The surprise is no longer what the approver saw, or no draft any more; nothing was changed."""

    def __init__(self, *, surprise: Surprise) -> None:
        self.surprise = surprise
        super().__init__(_("The surprise was changed in the meantime: please look at it again."))


class OwnSurprise(Exception):
    """Somebody tried to approve what they drafted themselves."""

    def __init__(self, *, surprise: Surprise) -> None:
        self.surprise = surprise
        super().__init__(_("You drafted this yourself: another person has to approve it."))


class PublishedEntitlement(Exception):
    """Customers have been promised this: a coin must not decide who gets it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


def refuse_entitlement(surprise: Surprise) -> None:
    """Raise PublishedEntitlement when what a surprise gives is promised to customers elsewhere."""
    if surprise.gift == Gift.COUPON and surprise.batch_id is not None:
        if Reward.objects.filter(batch=surprise.batch_id, is_active=True).exists():
            raise PublishedEntitlement(_("This coupon is in the catalogue: whoever has the points has a right to it."))
        if StampCard.objects.filter(batch=surprise.batch_id).exists():
            raise PublishedEntitlement(_("This coupon is promised for a full stamp card."))
    event = EVENT_OF_TRIGGER.get(surprise.trigger)
    if event and surprise.gift == Gift.POINTS and _is_promised(event):
        raise PublishedEntitlement(_("Points for this occasion are promised to everybody by an earning rule."))


def _is_promised(event: str) -> bool:
    return EarningRule.objects.live().filter(kind=EarningRule.Kind.EVENT, event=event).exists()


def redraft(*, surprise: Surprise, by: User, now: dt.datetime) -> None:
    """Count a change of a draft, so that nobody approves what they have not seen."""
    Surprise.objects.filter(pk=surprise.pk, state=State.DRAFT).update(
        version=surprise.version + 1, requested_by=by, requested_at=now
    )
    surprise.refresh_from_db(fields=["version", "requested_by", "requested_at"])


def approve(*, surprise: Surprise, version: int, by: User, now: dt.datetime) -> Surprise:
    """Open the trial of a draft, let it draw customers from now on, and return it.

    In a shop of one person (FOUR_EYES off) that is who drafted it. Raises OwnSurprise, SurpriseChanged when `version` is not
    the current one, PublishedEntitlement, and segments.UnknownSegment.
    """
    with transaction.atomic():
        current = Surprise.objects.select_for_update(of=("self",)).get(pk=surprise.pk)
        if (current.state, current.version) != (State.DRAFT, version):
            raise SurpriseChanged(surprise=current)
        if settings.FOUR_EYES and by.pk == current.requested_by_id:
            raise OwnSurprise(surprise=current)
        refuse_entitlement(current)
        if current.segment:
            segments.members(current.segment, now=now)
        current.trial = trials.open_trial(
            kind=Trial.Kind.SURPRISE, name=current.name, now=now, by=by, **trials.measures_of(current)
        )
        current.state, current.approved_by, current.approved_at = State.ACTIVE, by, now
        current.seen_purchase = Purchase.objects.aggregate(last=Max("pk"))["last"] or 0
        current.save()
    return current


def stop(*, surprise: Surprise, because: Surprise.Stop, now: dt.datetime) -> Surprise:
    """Draw nobody any more and return the surprise; gifts that wait are still given. Raises SurpriseChanged."""
    with transaction.atomic():
        changed = Surprise.objects.filter(pk=surprise.pk, state=State.ACTIVE).update(
            state=State.STOPPED, stop=because, stopped_at=now
        )
        surprise.refresh_from_db()
        if not changed:
            raise SurpriseChanged(surprise=surprise)
        trials.close(trial=surprise.trial, now=now, is_cut_short=because != Stop.END)
    return surprise


def batches_to_give() -> list[CouponBatch]:
    """Return the coupon batches from which a surprise can give: open, for one person each, promised nowhere else."""
    promised = Reward.objects.filter(is_active=True, batch__isnull=False).values("batch")
    rows = CouponBatch.objects.exclude(state=CouponBatch.State.CLOSED).exclude(pk__in=promised)
    return list(rows.exclude(pk__in=StampCard.objects.values("batch")).order_by("-pk"))

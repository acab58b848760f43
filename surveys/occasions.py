"""Occasions that are due: considered like an audience, in the run of their day."""

import datetime as dt

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from customers import segments
from customers.models import Customer, PurchaseLine, ReturnLine
from customers.timezones import programme_date
from surveys import planning, quarantine, versions, wordings
from surveys.models import Campaign, Invitation, Occasion, Run
from surveys.triggers import LATEST

State = Occasion.State
CHUNK = 2_000
# How long an occasion that falls into the quarantine is put off at most, and for how long each time.
PUT_OFF, AGAIN = dt.timedelta(days=7), dt.timedelta(days=1)


def consider_due(*, campaign: Campaign, now: dt.datetime) -> int:
    """Consider the occasions of a campaign that are due and return how many were looked at.

    Those too long past expire. All of a day are one run, so that a customer is asked once however much happened.
    """
    waiting = campaign.occasions.filter(state=State.WAITING)
    expired = waiting.filter(due_at__lt=now - LATEST).update(state=State.EXPIRED)
    if not waiting.filter(look_at__lte=now).exists():
        return expired
    run = _run_of_the_day(campaign, now)
    looked = expired
    while number := _consider_some(run, now):
        looked += number
    return looked


def _run_of_the_day(campaign: Campaign, now: dt.datetime) -> Run:
    run, _is_new = Run.objects.get_or_create(
        campaign=campaign,
        period_key=programme_date(now).isoformat(),
        defaults={
            "version": versions.latest(survey=campaign.survey),
            "phase": Run.Phase.SENDING,
            "planned_at": now,
            "prepared_at": now,
            "closes_at": now + dt.timedelta(days=campaign.answer_days),
        },
    )
    return run


def _consider_some(run: Run, now: dt.datetime) -> int:
    """Consider some occasions; none when all are done, or the day's run is over and they wait for the next one."""
    with transaction.atomic():
        locked = Run.objects.select_for_update(of=("self",), no_key=True).select_related("campaign__store")
        run = locked.get(pk=run.pk)
        if run.phase not in (Run.Phase.SENDING, Run.Phase.PAUSED):
            return 0
        due = run.campaign.occasions.filter(state=State.WAITING, look_at__lte=now)
        some = list(due.order_by("look_at", "pk")[:CHUNK])
        if some:
            _consider(run, some, now)
    return len(some)


def _consider(run: Run, some: list[Occasion], now: dt.datetime) -> None:
    fates = _set_aside(run, some, now)
    chosen: dict[int, Occasion] = {}
    for occasion in some:
        if occasion.pk not in fates and chosen.setdefault(occasion.customer_id, occasion) is not occasion:
            fates[occasion.pk] = State.REPEATED
    for state in set(fates.values()):
        pks = [pk for pk, fate in fates.items() if fate == state]
        rows = Occasion.objects.filter(pk__in=pks, state=State.WAITING)
        if state == State.WAITING:
            rows.update(look_at=now + AGAIN)
        else:
            rows.update(state=state)
    known = planning.facts(
        run=run,
        members=sorted(chosen),
        now=now,
        wordings=wordings.current(campaign=run.campaign),
    )
    planning.consider(run=run, known=known, now=now)
    invited = Invitation.objects.filter(run=run, customer=OuterRef("customer")).values("pk")[:1]
    rows = Occasion.objects.filter(pk__in=[occasion.pk for occasion in chosen.values()])
    rows.filter(customer__in=[fact[0] for fact in known]).update(
        state=State.CONSIDERED, invitation_id=Subquery(invited)
    )
    # Erased in the meantime, or merged into another.
    rows.filter(state=State.WAITING).update(state=State.CANCELLED)


def _set_aside(run: Run, some: list[Occasion], now: dt.datetime) -> dict[int, State]:
    """Return, by occasion, what becomes of those that are not considered now; WAITING are put off."""
    campaign = run.campaign
    ids = {occasion.customer_id for occasion in some}
    inside = _inside(campaign, ids, now)
    repeated = set(run.invitations.filter(customer__in=ids).values_list("customer", flat=True))
    returned = _returned([occasion for occasion in some if occasion.source.startswith("purchase:")])
    recent = {}
    if campaign.on_quarantine == Campaign.OnQuarantine.DEFER:
        recent = quarantine.recently_asked(campaign=campaign, run=run, customer_ids=ids, now=now)
    fates = {}
    for occasion in some:
        if occasion.pk in returned:
            fates[occasion.pk] = State.RETURNED
        elif occasion.customer_id not in inside:
            fates[occasion.pk] = State.OUTSIDE
        elif occasion.customer_id in repeated:
            fates[occasion.pk] = State.REPEATED
        elif recent.get(occasion.customer_id) == Invitation.Skip.QUARANTINE and now < occasion.due_at + PUT_OFF:
            fates[occasion.pk] = State.WAITING
    return fates


def _inside(campaign: Campaign, ids: set[int], now: dt.datetime) -> set[int]:
    """Return which of these customers are in the campaign's audience. The gone are kept, for a reason of their own."""
    gone = Customer.objects.filter(Q(erased_at__isnull=False) | Q(merged_into__isnull=False), pk__in=ids)
    members = segments.members(campaign.segment, now=now, store=campaign.store).filter(pk__in=ids)
    return {*members.order_by().values_list("pk", flat=True), *gone.values_list("pk", flat=True)}


def _returned(some: list[Occasion]) -> set[int]:
    """Return the occasions whose purchase came back whole."""
    purchases = {int(occasion.source.partition(":")[2]): occasion.pk for occasion in some}
    back = ReturnLine.objects.filter(line=OuterRef("pk")).values("line").annotate(_back=Sum("quantity")).values("_back")
    lines = PurchaseLine.objects.filter(purchase__in=purchases)
    kept = lines.annotate(_back=Coalesce(Subquery(back), 0)).filter(
        quantity__gt=F("_back"), purchase=OuterRef("purchase")
    )
    whole = lines.filter(~Exists(kept)).values_list("purchase", flat=True).distinct()
    return {purchases[pk] for pk in whole}

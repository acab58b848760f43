"""Wordings: the texts of a campaign, copied when mails are planned, so that each message keeps its own."""

from django.db import transaction

from surveys.models import Campaign, Message, Run, Wording
from surveys.runs import LIVE_PHASES

Arm = Wording.Arm


def texts(campaign: Campaign, arm: str) -> dict[str, str]:
    """Return what a wording of this arm holds for the campaign as it is now; a missing translation stays missing."""
    is_other = arm == Arm.B
    return {
        "subject_en": campaign.subject_b_en if is_other else campaign.subject_en,
        "subject_zh": campaign.subject_b_zh if is_other else campaign.subject_zh,
        "reminder_subject_en": campaign.reminder_subject_en,
        "reminder_subject_zh": campaign.reminder_subject_zh,
        "body_en": campaign.body_en,
        "body_zh": campaign.body_zh,
    }


def arms(campaign: Campaign) -> list[str]:
    """Return the arms that are compared: two when there is a second subject."""
    return [Arm.A, Arm.B] if campaign.subject_b_en else [Arm.A]


def current(*, campaign: Campaign) -> list[Wording]:
    """Return the wording of each arm as the texts are now, made if they have changed; the first is that of the first subject."""
    with transaction.atomic():
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        return [_current(campaign, arm) for arm in arms(campaign)]


def _current(campaign: Campaign, arm: str) -> Wording:
    wanted = texts(campaign, arm)
    latest = campaign.wordings.filter(arm=arm).order_by("-revision").first()
    if latest and all(getattr(latest, name) == text for name, text in wanted.items()):
        return latest
    return Wording.objects.create(campaign=campaign, arm=arm, revision=latest.revision + 1 if latest else 1, **wanted)


def rewrite(*, campaign: Campaign) -> int:
    """Give the mails that have not left the texts as they are now, and return how many; what has left keeps its own."""
    with transaction.atomic():
        changed = 0
        for wording in current(campaign=campaign):
            queued = Message.objects.filter(
                run__in=Run.objects.filter(campaign=campaign, phase__in=LIVE_PHASES),
                state=Message.State.QUEUED,
                wording__arm=wording.arm,
            )
            changed += queued.exclude(wording=wording).update(wording=wording)
    return changed

"""How answers, cases and conversations follow a customer into another record: by their keys.

How somebody wishes to be asked, to what they were invited and what they were thanked for by a link are unique to a customer:
these move here.
"""

from typing import Any

from django.utils.translation import gettext as _

from customers.merging import Part, part
from customers.models import Customer, CustomerMerge
from surveys.models import Invitation, LinkThanks, SurveyPreference

AT_ONCE = 500


def move(merge: CustomerMerge) -> dict[str, Any]:
    """Let the stricter wish of the two records stand, and return what the kept one had said."""
    before = []
    ours = {row.campaign_id: row for row in SurveyPreference.objects.filter(customer=merge.kept_id)}
    for wish in SurveyPreference.objects.filter(customer=merge.duplicate_id).order_by("pk"):
        own = ours.get(wish.campaign_id)
        if own is None:
            own = SurveyPreference(customer=merge.kept, campaign_id=wish.campaign_id)
            before.append([wish.campaign_id, None])
        else:
            until = own.paused_until and own.paused_until.isoformat()
            before.append([wish.campaign_id, [own.is_left_out, own.has_no_reminders, until]])
        own.is_left_out = own.is_left_out or wish.is_left_out
        own.has_no_reminders = own.has_no_reminders or wish.has_no_reminders
        own.paused_until = max((at for at in (own.paused_until, wish.paused_until) if at), default=None)
        own.changed_at = merge.merged_at
        own.save()
    return {"wishes": before}


def undo(merge: CustomerMerge, moved: dict[str, Any]) -> None:
    """Bring back what the kept record had said, unless it has spoken since."""
    for campaign_id, said in moved["wishes"]:
        rows = SurveyPreference.objects.filter(customer=merge.kept_id, campaign=campaign_id, changed_at=merge.merged_at)
        if said is None:
            rows.delete()
        else:
            left_out, no_reminders, until = said
            rows.update(is_left_out=left_out, has_no_reminders=no_reminders, paused_until=until)
    _return_invitations(merge, moved)


def move_invitations(merge: CustomerMerge) -> dict[str, Any]:
    """Move invitations and thanks by a link, but for what the kept record has of its own; the customers are locked.

    So nobody is asked or thanked a second time. A mail that still waits for an invitation left behind is dropped when its turn
    comes (`claiming.claim`).
    """
    kept, duplicate = merge.kept_id, merge.duplicate_id
    known = Invitation.objects.filter(customer=kept).values("run")
    asked = list(Invitation.objects.filter(customer=duplicate).exclude(run__in=known).values_list("pk", flat=True))
    Invitation.objects.filter(pk__in=asked).update(customer=kept)
    given = LinkThanks.objects.filter(customer=kept).values("campaign")
    thanked = list(
        LinkThanks.objects.filter(customer=duplicate).exclude(campaign__in=given).values_list("pk", flat=True)
    )
    LinkThanks.objects.filter(pk__in=thanked).update(customer=kept)
    return {"asked": sorted(str(pk) for pk in asked), "thanked": sorted(thanked)}


def _return_invitations(merge: CustomerMerge, moved: dict[str, Any]) -> None:
    for model, name in ((Invitation, "asked"), (LinkThanks, "thanked")):
        keys = moved.get(name, [])
        for start in range(0, len(keys), AT_ONCE):
            rows = model.objects.filter(pk__in=keys[start : start + AT_ONCE], customer=merge.kept_id)
            rows.update(customer=merge.duplicate_id)


def facts(customer: Customer) -> list[tuple[str, str]]:
    """Return what staff compare before two records become one."""
    return [
        (_("Answered surveys"), str(customer.responses.completed().count())),
        (_("Cases and conversations"), str(customer.cases.count() + customer.contacts.count())),
    ]


part("surveys", Part(move=move, undo=undo, facts=facts, settle=move_invitations))

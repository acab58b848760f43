"""How answers, cases and conversations follow a customer into another record: by their keys, but for how they wish to be asked."""

from typing import Any

from django.utils.translation import gettext as _

from customers.merging import Part, part
from customers.models import Customer, CustomerMerge
from surveys.models import SurveyPreference


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


def facts(customer: Customer) -> list[tuple[str, str]]:
    """Return what staff compare before two records become one."""
    return [
        (_("Answered surveys"), str(customer.responses.completed().count())),
        (_("Cases and conversations"), str(customer.cases.count() + customer.contacts.count())),
    ]


part("surveys", Part(move=move, undo=undo, facts=facts))

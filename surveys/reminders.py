"""Reminders: to those who got the mail and have not answered, some days later, with another subject and the same link."""

import datetime as dt

from django.db.models import Exists, OuterRef

from customers import statements
from customers.statements import Statement
from surveys import planning
from surveys.models import Campaign, Message, Response, Run, SurveyPreference

Kind, State = Message.Kind, Message.State
# An uncertain mail is not followed by a reminder: it may never have arrived, and the reminder would be the first.
ARRIVED = (State.ACCEPTED, State.DELIVERED)


def plan_due(*, now: dt.datetime) -> int:
    """Queue the reminders that are due in the runs that still take answers, and return how many; again queues none.

    They leave when the customer's window is open, and everything is looked at again in the moment of sending.
    """
    runs = Run.objects.filter(phase=Run.Phase.SENDING, closes_at__gt=now, campaign__reminders__gt=0)
    runs = runs.filter(campaign__state__in=[Campaign.State.SCHEDULED, Campaign.State.ARCHIVED])
    # From the last reminder on, so that nobody gets two in one go.
    return sum(
        _plan(run, number, now)
        for run in runs.select_related("campaign").order_by("pk")
        for number in range(run.campaign.reminders, 0, -1)
    )


def _plan(run: Run, number: int, now: dt.datetime) -> int:
    before = {"kind": Kind.INVITE} if number == 1 else {"kind": Kind.REMINDER, "number": number - 1}
    due = run.messages.filter(
        **before,
        state__in=ARRIVED,
        finished_at__lte=now - dt.timedelta(days=run.campaign.reminder_days),
        invitation__skip="",
        invitation__has_answered=False,
    )
    again = Message.objects.filter(invitation=OuterRef("invitation"), kind=Kind.REMINDER, number=number)
    answered = Response.objects.completed().filter(invitation=OuterRef("invitation"))
    unwanted = SurveyPreference.objects.filter(customer=OuterRef("invitation__customer"), has_no_reminders=True)
    due = due.filter(~Exists(again), ~Exists(answered), ~Exists(unwanted)).order_by()
    if not due.exists():
        return 0
    inner, values = due.values_list("invitation_id", "wording_id").query.sql_with_params()
    names, expressions, column_values = planning.columns_of(
        Message,
        {
            "id": planning.fresh_key(now),
            "run": ("%s", [run.pk]),
            "invitation": ("due.invitation_id", []),
            "wording": ("due.wording_id", []),
            "kind": ("%s", [Kind.REMINDER]),
            "number": ("%s", [number]),
            "not_before": ("%s", [statements.stored(now)]),
            "created_at": ("%s", [statements.stored(now)]),
        },
    )
    sql = f"""
        WITH due (invitation_id, wording_id) AS ({inner})
        INSERT INTO surveys_message ({names}) SELECT {expressions} FROM due WHERE true
        ON CONFLICT (invitation_id, kind, number) DO NOTHING RETURNING id
    """  # noqa: S608 (our own names, and the query of the ORM)
    [rows] = statements.run(Statement(sql, [*values, *column_values]))
    return len(rows)

"""The surveys that wait for a customer's answer, for pages where they are signed in."""

import datetime as dt

from django.db.models import Exists, OuterRef, QuerySet

from customers.models import Customer
from surveys.models import Invitation, Message, Response, Run


def open_invitations(*, customer: Customer, now: dt.datetime) -> QuerySet[Invitation]:
    """Return what was mailed to a customer, can still be answered and is not, the newest first, with run, campaign and survey.

    Of an anonymous survey only the invitation knows, and only that it was answered.
    """
    mailed = Message.objects.filter(
        invitation=OuterRef("pk"), state__in=[Message.State.ACCEPTED, Message.State.DELIVERED]
    )
    answered = Response.objects.filter(invitation=OuterRef("pk"), completed_at__isnull=False)
    return (
        Invitation.objects.filter(
            Exists(mailed), ~Exists(answered), customer=customer, skip="", has_answered=False, run__closes_at__gt=now
        )
        .exclude(run__phase=Run.Phase.CLOSED)
        .select_related("run__campaign", "run__version__survey")
        .order_by("-created_at", "pk")
    )

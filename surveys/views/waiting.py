"""The surveys that wait for somebody who is signed in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from customers.access import customer_page
from customers.models import Customer
from surveys import comparing, links
from surveys.models import Invitation, Survey
from surveys.waiting import open_invitations

SHOWN = 50


@require_GET
@customer_page
def waiting_for_me(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show a signed-in customer the surveys that wait, each with its own link, its thanks and its promise."""
    found = open_invitations(customer=customer, now=timezone.now())[:SHOWN]
    return render(request, "surveys/waiting.html", {"rows": [_row(invitation) for invitation in found]})


def _row(invitation: Invitation) -> dict[str, object]:
    survey = invitation.run.version.survey
    promises = {
        Survey.Anonymity.ANONYMOUS: _("anonymous"), Survey.Anonymity.CONFIDENTIAL: _("confidential"),
    }  # fmt: skip
    return {
        "token": links.token(purpose=links.Purpose.ANSWER, invitation_id=invitation.pk),
        "title": survey.title,
        "points": invitation.run.campaign.points if comparing.is_promised(invitation=invitation) else 0,
        "until": invitation.run.closes_at,
        "promise": promises.get(survey.anonymity, ""),
    }

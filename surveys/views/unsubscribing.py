"""How somebody wishes to be asked, behind two links: the one for mail programs (RFC 8058) and the one in the mail's text.

A GET changes nothing. A bare POST, which is what a mail program sends, ends all survey mails at once, without redirect,
cookie or log-in; the page's buttons say what else they do.
"""

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation

from customers.personal import language_of, other_language, personal
from surveys import channels, links, suppression
from surveys import preferences as wishes
from surveys.models import Invitation
from surveys.views.answering import invited
from surveys.views.neutral import not_here


@personal
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show what can be chosen; a POST ends survey mails unless a button says something else."""
    return _page(request, invited(token, links.Purpose.UNSUBSCRIBE), bare="surveys")


@personal
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """The same page by another link, whose POST does only what a button says."""
    return _page(request, invited(token, links.Purpose.PREFERENCES), bare="")


def _page(request: HttpRequest, invitation: Invitation | None, *, bare: str) -> HttpResponse:
    if invitation is None:
        return not_here(request)
    done, language = "", invitation.language
    if request.method == "POST":
        done = request.POST.get("do", bare)
        done = done if _change(invitation, done, timezone.now()) else ""
        language = done if done in wishes.LANGUAGES else language
    wanted = language if language in wishes.LANGUAGES and done == language else language_of(request, language)
    with translation.override(wanted):
        context = {
            "done": done, "wish": wishes.of(invitation=invitation), "now": timezone.now(),
            "campaign_survey": invitation.run.version.survey, "pause_days": wishes.PAUSE.days,
            "by_message": channels.way_of(invitation.run.campaign) == channels.BY_MESSAGE,
        }  # fmt: skip
        return render(request, "surveys/preferences.html", context | other_language(request))


def _change(invitation: Invitation, wish: str, now: dt.datetime) -> bool:
    """Do what a button says and return whether there is such a button."""
    match wish:
        case "surveys":
            suppression.unsubscribe(invitation=invitation, source=f"unsubscribe:{invitation.pk}", now=now)
        case "campaign":
            wishes.leave_out(invitation=invitation, now=now)
        case "all":
            wishes.leave_all(invitation=invitation, now=now)
        case "pause":
            wishes.pause(invitation=invitation, now=now)
        case "resume":
            wishes.resume(invitation=invitation, now=now)
        case "quiet" | "remind":
            wishes.remind(invitation=invitation, is_wanted=wish == "remind", now=now)
        case "en" | "zh-hans":
            wishes.choose_language(invitation=invitation, language=wish)
        case _:
            return False
    return True

"""Sending a survey to oneself: the mail as customers get it, leading to a page where nothing counts."""

from django.contrib import messages
from django.core.mail import mailers
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from surveys import courier, letters, links, trials
from surveys.models import Campaign, Survey, SurveyVersion


def send_trial(request: HttpRequest, *, version: SurveyVersion, campaign: Campaign) -> None:
    """Mail a test to whoever presses the button, in the language of the admin, and say what became of it."""
    language = get_language() or "en"
    response = trials.begin(
        version=version, by=request.user, language=language, now=timezone.now(),
        campaign=campaign if campaign.pk else None,
    )  # fmt: skip
    mail = letters.test_mail(
        campaign=campaign, version=version, email=request.user.email, language=language, url=links.test_url(response.pk)
    )
    try:
        mailers[courier.MAILER].send_messages([mail])
    except Exception as error:  # whatever a mailer may raise, the person at the screen is told
        messages.error(request, _("The mail server refused the test: %(error)s") % {"error": type(error).__name__})
    else:
        messages.success(request, _("The test is on its way to %(email)s.") % {"email": request.user.email})


def mail_of(survey: Survey) -> Campaign:
    """Return a campaign that is never saved, for the mail of a survey that has none yet."""
    return Campaign(survey=survey, subject_en=survey.title_en, subject_zh=survey.title_zh)

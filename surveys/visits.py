"""Somebody in front of a questionnaire: what the pages need to know of them, and what they may do.

The pages (views/questionnaire.py) are the same for an invitation, a test and a preview; what differs is here. Whoever opens
another way to the questions, such as a link on a poster, writes a visit of its own.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import get_language

from surveys import first_looks, links, responses, thanks, trials, wording
from surveys.models import Invitation, Question, Response, RewardGrant, Survey, SurveyVersion

Values = Mapping[Question, Any]


class Visit:
    """A look at the questions that leaves nothing behind: a preview."""

    is_kept: ClassVar[bool] = False  # what is answered page by page can be gone on with elsewhere
    is_real: ClassVar[bool] = False  # the page's script may report that somebody is there
    kind: ClassVar[str] = "preview"
    promise: thanks.Promise = thanks.NOTHING
    closes_at: dt.date | None = None
    stop_url: str = ""  # where whoever was asked says how they wish to be asked

    def __init__(self, *, version: SurveyVersion, now: dt.datetime) -> None:
        self.version, self.now = version, now

    @property
    def survey(self) -> Survey:
        """The survey whose version is shown."""
        return self.version.survey

    @property
    def stored(self) -> dict[Question, Any]:
        """What was answered before, on any device."""
        return {}

    @property
    def finished_pages(self) -> int:
        """How many pages were sent before."""
        return 0

    def look(self) -> None:
        """Note that somebody is there."""

    def keep(self, *, values: Values, page: int, seconds: int | None) -> None:
        """Keep the answers of one page."""

    def finish(self, *, values: Values, seconds: int | None, has_script: bool) -> RewardGrant | None:
        """Record all answers and return the thanks, if there are any. Raises responses.InvitationClosed."""

    def decline(self) -> None:
        """Note that somebody would rather not answer."""


class FirstVisit(Visit):
    """Behind the link of a mail that was never answered: the same for everybody, and for looking only."""

    is_real = True
    kind = "invitation"

    def __init__(self, *, facts: first_looks.Facts) -> None:
        self.version, self.promise, self.closes_at = facts.version, facts.promise, facts.closes_date
        self.is_kept = not facts.is_anonymous  # type: ignore[misc]


class InvitationVisit(Visit):
    """Behind the link of a mail."""

    is_real = True
    kind = "invitation"

    def __init__(self, *, invitation: Invitation, now: dt.datetime) -> None:
        super().__init__(version=invitation.run.version, now=now)
        self.invitation = invitation
        self.is_kept = not responses.is_anonymous(self.survey)  # type: ignore[misc]
        self.promise = thanks.promise(campaign=invitation.run.campaign, invitation=invitation)
        self.closes_at = invitation.run.closes_at
        self.stop_url = links.preferences_url(invitation.pk)
        found = (
            Response.objects.filter(invitation=invitation, is_test=False) if self.is_kept else Response.objects.none()
        )
        self.response = found.first()

    @property
    def stored(self) -> dict[Question, Any]:
        if self.response is None:
            return {}
        answers = self.response.answers.select_related("question").order_by("question__position")
        return {answer.question: wording.value(answer) for answer in answers}

    @property
    def finished_pages(self) -> int:
        return self.response.page if self.response else 0

    def look(self) -> None:
        responses.view(invitation=self.invitation, now=self.now)

    def keep(self, *, values: Values, page: int, seconds: int | None) -> None:
        responses.save(
            invitation=self.invitation, values=values, language=_language(), now=self.now, page=page, seconds=seconds
        )

    def finish(self, *, values: Values, seconds: int | None, has_script: bool) -> RewardGrant | None:
        responses.complete(
            invitation=self.invitation, values=values, language=_language(), now=self.now, seconds=seconds,
            has_script=has_script,
        )  # fmt: skip
        return RewardGrant.objects.filter(invitation=self.invitation).select_related("coupon__batch").first()

    def decline(self) -> None:
        responses.decline(invitation=self.invitation, language=_language(), now=self.now)


class TestVisit(Visit):
    """Behind a test that staff sent to themselves: everything works, and nothing counts."""

    kind = "test"

    def __init__(self, *, response: Response, now: dt.datetime) -> None:
        super().__init__(version=response.version, now=now)
        self.response = response
        if response.campaign:
            self.promise = thanks.promise(campaign=response.campaign)

    def finish(self, *, values: Values, seconds: int | None, has_script: bool) -> RewardGrant | None:
        trials.finish(response=self.response, values=values, language=_language(), now=self.now, seconds=seconds)
        return None


def _language() -> str:
    return get_language() or "en"

"""The first look through a mail's link, which is the same for everybody whom a survey asks in a language.

A mailing is opened by thousands within minutes, so the page costs one statement. What that reads names nobody but the
language of the mail; whoever has begun to answer is shown their own page instead (surveys.visits).
"""

import datetime as dt
import uuid
from typing import NamedTuple

from django.utils import timezone

from customers import statements
from customers.statements import Statement
from rewards.models import CouponBatch
from surveys.models import Invitation, Survey, SurveyVersion
from surveys.thanks import NOTHING, Promise

# An invitation that can be answered and has no answer yet (responses.is_open), of a version that no longer changes.
_FACTS = """
SELECT invitation.language, run.closes_at, version.id, survey.title_en, survey.title_zh, survey.intro_en, survey.intro_zh,
    survey.anonymity, campaign.points, batch.name_en, batch.name_zh,
    campaign.thanks_limit IS NULL OR campaign.thanks_limit > (
        SELECT count(*) FROM surveys_rewardgrant AS given WHERE given.campaign_id = campaign.id AND given.state = 'granted'
    )
FROM surveys_invitation AS invitation
JOIN surveys_run AS run ON run.id = invitation.run_id
JOIN surveys_campaign AS campaign ON campaign.id = run.campaign_id
JOIN surveys_surveyversion AS version ON version.id = run.version_id
JOIN surveys_survey AS survey ON survey.id = version.survey_id
LEFT JOIN rewards_couponbatch AS batch ON batch.id = campaign.coupon_batch_id
WHERE invitation.id = %s AND invitation.skip = '' AND NOT invitation.has_answered
    AND run.phase <> 'closed' AND run.closes_at > %s AND version.published_at IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM surveys_response AS response WHERE response.invitation_id = invitation.id AND NOT response.is_test
    )
"""


class Facts(NamedTuple):
    """All that a first page depends on, beside the questions of the version: equal facts make equal pages."""

    language: str
    closes_date: dt.date
    version_id: int
    title_en: str
    title_zh: str
    intro_en: str
    intro_zh: str
    anonymity: str
    points: int
    coupon_en: str | None
    coupon_zh: str | None
    is_thanked: bool  # some of the campaign's thanks are left

    @property
    def is_anonymous(self) -> bool:
        """Whether not even the opening of a link may be noted."""
        return self.anonymity == Survey.Anonymity.ANONYMOUS

    @property
    def version(self) -> SurveyVersion:
        """The version to ask, with its survey's texts."""
        survey = Survey(
            title_en=self.title_en, title_zh=self.title_zh, intro_en=self.intro_en, intro_zh=self.intro_zh,
            anonymity=self.anonymity,
        )  # fmt: skip
        return SurveyVersion(pk=self.version_id, survey=survey)

    @property
    def promise(self) -> Promise:
        """The thanks that the page may promise."""
        if not self.is_thanked:
            return NOTHING
        batch = CouponBatch(name_en=self.coupon_en, name_zh=self.coupon_zh) if self.coupon_en is not None else None
        return Promise(self.points, batch)


def facts(*, invitation_id: uuid.UUID, now: dt.datetime) -> Facts | None:
    """Return what the first page of an invitation shows; None when it cannot be answered, or was begun or answered before."""
    key = Invitation._meta.pk.get_db_prep_value(invitation_id, statements.connection)
    [rows] = statements.run(Statement(_FACTS, [key, statements.stored(now)]))
    if not rows:
        return None
    language, closes_at, *rest, is_thanked = rows[0]
    return Facts(language, timezone.localdate(statements.moment(closes_at)), *rest, bool(is_thanked))

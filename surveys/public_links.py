"""Answers by a link in a chat, on a receipt or in the window: from anybody, counted by the place, once per device softly."""

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from customers.models import Customer
from rewards import coupons, ledger
from rewards.dates import end_of_month_after
from rewards.models import Coupon, CouponBatch
from surveys import responses, thanks, versions
from surveys.models import Campaign, LinkThanks, Question, Response, RewardGrant, Survey, SurveyLink
from surveys.visits import Visit

logger = logging.getLogger(__name__)

POINTS_LAST_MONTHS = 12


def url_of(link: SurveyLink) -> str:
    """Return the address behind a link, short enough to be typed."""
    return settings.SITE_URL + reverse("survey_link", args=[link.code])


def find(*, code: str, now: dt.datetime) -> SurveyLink | None:
    """Return the link of a code that is in use, or None."""
    links = SurveyLink.objects.select_related("campaign__survey", "campaign__coupon_batch").filter(
        code=code, is_active=True
    )
    link = links.first()
    is_open = link and (link.closes_at is None or now < link.closes_at)
    is_wanted = link and link.campaign.state != Campaign.State.CANCELLED
    return link if is_open and is_wanted and versions.latest(survey=link.campaign.survey) else None


class LinkVisit(Visit):
    """Behind a public link, perhaps signed in. Nothing is kept before the end."""

    kind = "link"

    def __init__(self, *, link: SurveyLink, customer: Customer | None, now: dt.datetime) -> None:
        version = versions.latest(survey=link.campaign.survey)
        if version is None:
            raise ValueError("A link leads to a published survey.")
        super().__init__(version=version, now=now)
        self.link, self.customer, self.is_finished = link, customer, False
        self.offer = offer(link=link, customer=customer, now=now)
        if customer is not None:
            self.promise = self.offer

    @property
    def is_named(self) -> bool:
        """Whether the shop will see who answered."""
        return self.customer is not None and self.survey.anonymity == Survey.Anonymity.IDENTIFIED

    def finish(self, *, values: Mapping[Question, Any], seconds: int | None, has_script: bool) -> Any:
        self.is_finished = True
        return answer(
            link=self.link, customer=self.customer, values=values, language=get_language() or "en", now=self.now,
            seconds=seconds,
        )  # fmt: skip


def offer(*, link: SurveyLink, customer: Customer | None, now: dt.datetime) -> thanks.Promise:
    """Return what a link promises to customers; nothing to whoever has been thanked before, nor once the budget is used up.

    Of an anonymous survey nothing: the moment of the thanks would tell whose the answer is. Unlike those for a mail, thanks
    for a link do not wait for the next day: nobody was promised any before they came.
    """
    campaign = link.campaign
    if campaign.thanks_holdout:
        return thanks.NOTHING  # whoever is asked without thanks, to compare, must not find them here
    if campaign.survey.anonymity == Survey.Anonymity.ANONYMOUS or is_thanked(campaign=campaign, customer=customer):
        return thanks.NOTHING
    return thanks.NOTHING if thanks.exhausted(campaign=campaign, now=now) else thanks.promise(campaign=campaign)


def is_thanked(*, campaign: Campaign, customer: Customer | None) -> bool:
    """Return whether a customer has been thanked for this campaign, by whichever way."""
    if customer is None:
        return False
    by_mail = RewardGrant.objects.filter(campaign=campaign, invitation__customer=customer)
    return by_mail.exists() or LinkThanks.objects.filter(campaign=campaign, customer=customer).exists()


def answer(
    *,
    link: SurveyLink,
    customer: Customer | None,
    values: Mapping[Question, Any],
    language: str,
    now: dt.datetime,
    seconds: int | None = None,
) -> LinkThanks | None:
    """Record an answer and give a customer the points, once per campaign; return the thanks, None where there are none."""
    with transaction.atomic():
        version = versions.latest(survey=link.campaign.survey)
        if version is None:
            raise ValueError("A link leads to a published survey.")
        response = responses.record(
            version=version, values=values, language=language, channel=link.channel, now=now, campaign=link.campaign,
            customer=customer, seconds=seconds,
        )  # fmt: skip
        # An answer that looks odd counts, but is not paid for.
        return None if customer is None or response.flags else _thank(link, customer, now)


def _thank(link: SurveyLink, customer: Customer, now: dt.datetime) -> LinkThanks | None:
    # One campaign thanks one person at a time, so that two devices at once are thanked once and no budget is overdrawn.
    Campaign.objects.select_for_update(no_key=True).get(pk=link.campaign_id)
    promised = offer(link=link, customer=customer, now=now)
    source = f"survey-link:{link.campaign_id}:{customer.pk}"
    if promised.points:
        ledger.earn(
            customer=customer,
            points=promised.points,
            source=source,
            occurred_at=now,
            expires_at=end_of_month_after(now, POINTS_LAST_MONTHS),
            note=_("Thank you for answering our survey"),
            explanation={"campaign": link.campaign_id},
        )
    coupon = _coupon(promised.coupon_batch, customer, source, now)
    if not promised.points and coupon is None:
        return None
    return LinkThanks.objects.create(
        campaign=link.campaign, customer=customer, points=promised.points, coupon=coupon, earned_at=now
    )


def _coupon(batch: CouponBatch | None, customer: Customer, source: str, now: dt.datetime) -> Coupon | None:
    """Issue the coupon that was promised, by the rules of its batch; None where there is none, or none left."""
    if batch is None:
        return None
    try:
        with transaction.atomic():
            return coupons.issue(batch=batch, customer=customer, source=source, now=now)
    except (coupons.BatchNotActive, coupons.BatchLimitReached):
        logger.warning("Batch %s gives no coupon for an answer by link", batch.pk)
        return None


class PhoneVisit(Visit):
    """Staff write down what somebody says on the telephone."""

    kind = "phone"

    def __init__(self, *, record: "PhoneRecord", now: dt.datetime) -> None:
        super().__init__(version=record.version, now=now)
        self.record = record

    def finish(self, *, values: Mapping[Question, Any], seconds: int | None, has_script: bool) -> Any:
        return self.record.write(values=values, language=get_language() or "en", now=self.now)


class PhoneRecord:
    """One call: who is asked about what, by whom."""

    def __init__(self, *, campaign: Campaign, customer: Customer | None, by: Any) -> None:
        version = versions.latest(survey=campaign.survey)
        if version is None:
            raise ValueError("Only a published survey is asked.")
        self.version, self.campaign, self.customer, self.by = version, campaign, customer, by

    @property
    def invitation(self) -> Any:
        """The customer's open invitation of the campaign, which the call answers."""
        if self.customer is None:
            return None
        invited = self.customer.invitations.filter(run__campaign=self.campaign, skip="", has_answered=False)
        return invited.select_related("run__version__survey", "run__campaign").order_by("-created_at").first()

    def write(self, *, values: Mapping[Question, Any], language: str, now: dt.datetime) -> RewardGrant | None:
        """Record the answers as given by telephone; where a mail had asked, as the answer to it, with its thanks."""
        invitation = self.invitation
        if invitation is not None and responses.is_open(invitation=invitation, now=now):
            responses.complete(
                invitation=invitation, values=values, language=language, now=now, mode=Response.Mode.PHONE,
                channel="phone", by=self.by,
            )  # fmt: skip
            return RewardGrant.objects.filter(invitation=invitation).select_related("coupon__batch").first()
        responses.record(
            version=self.version, values=values, language=language, channel="phone", now=now, mode=Response.Mode.PHONE,
            campaign=self.campaign, customer=self.customer, by=self.by,
        )  # fmt: skip
        return None

"""How customers wish to be asked: which surveys, with which reminders, in which language, and when not.

A wish binds whoever considers or sends a mail; `unwilling` is asked in both moments.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q

from customers import accounts, consents
from customers.models import Consent, Customer
from surveys import channels, suppression
from surveys.models import Campaign, Invitation, SurveyPreference

PAUSE = dt.timedelta(days=90)
LANGUAGES = ("en", "zh-hans")
WORDING = "survey-preferences:1"
Skip = Invitation.Skip


def of(*, invitation: Invitation) -> SurveyPreference:
    """Return the general wishes of whoever got an invitation, the usual ones where nothing was said."""
    customer = invitation.customer.survivor
    return SurveyPreference.objects.filter(customer=customer, campaign=None).first() or SurveyPreference(
        customer=customer
    )


def unwilling(*, campaign: Campaign, customer_ids: Iterable[int], now: dt.datetime) -> dict[int, Invitation.Skip]:
    """Return which of these customers want no mail of this campaign, or none at the moment, and why; in one query."""
    rows = SurveyPreference.objects.filter(
        Q(campaign=campaign, is_left_out=True) | Q(campaign=None, paused_until__gt=now), customer__in=list(customer_ids)
    )
    return {row.customer_id: Skip.UNSUBSCRIBED if row.is_left_out else Skip.PAUSED for row in rows.order_by("campaign")}


def without_reminders(*, customer_ids: Iterable[int]) -> set[int]:
    """Return which of these customers want no reminders."""
    rows = SurveyPreference.objects.filter(customer__in=list(customer_ids), has_no_reminders=True)
    return set(rows.values_list("customer", flat=True))


def leave_out(*, invitation: Invitation, now: dt.datetime) -> None:
    """Send no more mails of this campaign; others still come. Saying it again changes nothing."""
    SurveyPreference.objects.get_or_create(
        customer=invitation.customer.survivor, campaign=invitation.run.campaign,
        defaults={"is_left_out": True, "changed_at": now},
    )  # fmt: skip


def leave_all(*, invitation: Invitation, now: dt.datetime) -> None:
    """Send neither surveys nor offers any more by the way this came: the consent to both is withdrawn.

    Saying it again changes nothing.
    """
    channel = channels.way_of(invitation.run.campaign).consent
    with transaction.atomic():
        suppression.unsubscribe(invitation=invitation, source=f"unsubscribe:{invitation.pk}", now=now)
        customer = invitation.customer.survivor
        if consents.is_granted(customer=customer, channel=channel, purpose=Consent.Purpose.MARKETING):
            consents.withdraw(
                customer=customer, channel=channel, purpose=Consent.Purpose.MARKETING, wording=WORDING,
                source=f"unsubscribe:{invitation.pk}", by=None, now=now,
            )  # fmt: skip


def pause(*, invitation: Invitation, now: dt.datetime) -> None:
    """Send no survey for 90 days from now."""
    _change(invitation, now, paused_until=now + PAUSE)


def resume(*, invitation: Invitation, now: dt.datetime) -> None:
    """End the pause."""
    _change(invitation, now, paused_until=None)


def remind(*, invitation: Invitation, is_wanted: bool, now: dt.datetime) -> None:
    """Send reminders, or none any more."""
    _change(invitation, now, has_no_reminders=not is_wanted)


def choose_language(*, invitation: Invitation, language: str) -> None:
    """Write to the customer in this language from now on. Raises ValueError for one that the portal does not speak."""
    if language not in LANGUAGES:
        raise ValueError(f"{language} is none of {LANGUAGES}")
    customer = invitation.customer.survivor
    if customer.user:
        accounts.choose_language(user=customer.user, language=language)
    else:
        Customer.objects.filter(pk=customer.pk).update(language=language)


def _change(invitation: Invitation, now: dt.datetime, **wish: Any) -> None:
    SurveyPreference.objects.update_or_create(
        customer=invitation.customer.survivor, campaign=None, defaults={**wish, "changed_at": now}
    )

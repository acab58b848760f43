"""Surveys that staff send to themselves: answered like any other, marked as a test, and never counted."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from customers.models import User
from surveys import responses
from surveys.models import Campaign, Question, Response, SurveyVersion

LASTS = dt.timedelta(days=7)


def begin(
    *, version: SurveyVersion, by: User, language: str, now: dt.datetime, campaign: Campaign | None = None
) -> Response:
    """Return an empty test of a version, published or not; its link works for a week."""
    return Response.objects.create(
        version=version, campaign=campaign, is_test=True, by=by, channel="test", language=language, started_at=now
    )


def is_open(*, response: Response, now: dt.datetime) -> bool:
    """Return whether a test can be answered, as often as one likes."""
    return response.is_test and now < response.started_at + LASTS


def finish(
    *, response: Response, values: Mapping[Question, Any], language: str, now: dt.datetime, seconds: int | None
) -> Response:
    """Record what was answered in a test, in place of earlier answers. No thanks are given and no case is opened.

    Of a draft only that it was answered: its questions must still be free to change.
    """
    with transaction.atomic():
        response = (
            Response.objects.select_for_update(of=("self",)).select_related("version").get(pk=response.pk, is_test=True)
        )
        if response.version.is_published:
            responses.write(response, values, is_all=True)
        response.completed_at, response.language, response.seconds = now, language, seconds
        response.save(update_fields=["completed_at", "language", "seconds"])
    return response

"""Test data of the surveys app, by typed keyword functions."""

import datetime as dt
from itertools import count

from customers.models import Customer
from customers.tests.factories import NOON, consent, create_customer
from surveys import audience, campaigns, versions
from surveys.models import Campaign, Invitation, Question, Run, Survey, SurveyVersion

# 13:00 in Berlin, inside every window of the tests.
NOW = NOON
_numbers = count(1)
_CHOICES = {"choices_en": "Coffee\nTea\nCake", "choices_zh": "咖啡\n茶\n蛋糕"}
# What questions of a kind need besides their text.
FIELDS: dict[str, dict] = {
    "choice": _CHOICES,
    "multiple": _CHOICES,
    "ranking": _CHOICES,
    "matrix": {
        "choices_en": "Bad\nFair\nGood", "choices_zh": "差\n一般\n好", "rows_en": "Taste\nService", "rows_zh": "味道\n服务",
    },
    "scale": {"least": 1, "most": 7, "low_en": "cold", "low_zh": "冷", "high_en": "hot", "high_zh": "热"},
}  # fmt: skip


def create_asker(*, email: str = "", **fields) -> Customer:
    """Enrol a customer with an address who agreed to surveys."""
    customer = create_customer(email=email or f"customer{next(_numbers)}@shop.example", **fields)
    consent(customer)
    return customer


def create_survey(*, kinds: tuple[str, ...] = ("nps", "text"), **fields) -> Survey:
    """Write and publish a survey with a question of each kind."""
    number = next(_numbers)
    survey = Survey.objects.create(
        slug=f"survey-{number}", **{"title_en": "Your visit", "title_zh": "您的光临"} | fields
    )
    create_version(survey=survey, kinds=kinds)
    return survey


def create_version(*, survey: Survey, kinds: tuple[str, ...]) -> SurveyVersion:
    """Add a published version."""
    version = SurveyVersion.objects.create(survey=survey, number=survey.versions.count() + 1)
    for position, kind in enumerate(kinds, start=1):
        Question.objects.create(
            version=version,
            position=position,
            key=f"{kind}-{position}",
            kind=kind,
            text_en=f"Question {position} ({kind})?",
            text_zh=f"问题{position}（{kind}）？",
            is_required=position == 1,
            **FIELDS.get(kind, {}),
        )
    return versions.publish(survey=survey, by=None, now=NOW)


def create_questions(*questions: dict, **fields) -> Survey:
    """Write and publish a survey with these questions, each by its own fields; the key is the kind unless given."""
    survey = Survey.objects.create(slug=f"survey-{next(_numbers)}", **{"title_en": "Your visit"} | fields)
    version = SurveyVersion.objects.create(survey=survey, number=1)
    for position, question in enumerate(questions, start=1):
        usual = {"key": question["kind"], "text_en": f"Question {position}?"} | FIELDS.get(question["kind"], {})
        Question.objects.create(version=version, position=position, **usual | question)
    versions.publish(survey=survey, by=None, now=NOW)
    return survey


def create_campaign(*, survey: Survey | None = None, scheduled_at: dt.datetime = NOW, **fields) -> Campaign:
    """Draft a campaign to everybody."""
    defaults = {"name": "Spring", "segment": "everyone", "subject_en": "How was it?", "subject_zh": "您满意吗？"}
    return Campaign.objects.create(survey=survey or create_survey(), scheduled_at=scheduled_at, **defaults | fields)


def create_run(*, now: dt.datetime = NOW, prepared: bool = True, **fields) -> Run:
    """Schedule a campaign to everybody and plan its run."""
    campaign = create_campaign(**{"scheduled_at": now} | fields)
    campaigns.schedule(campaign=campaign, by=None, now=now)
    [run] = campaigns.plan_due_runs(now=now)
    if prepared:
        audience.prepare(run=run, now=now)
    return run


def invite(*, email: str = "", now: dt.datetime = NOW, customer: Customer | None = None, **fields) -> Invitation:
    """Invite one customer by a run of their own."""
    customer = customer or create_asker(email=email)
    return create_run(now=now, **fields).invitations.get(customer=customer, skip="")

"""Dashboards against a recount of the raw rows in plain Python."""

import datetime as dt
import math
import random
import uuid
from collections import Counter

import pytest

from customers.models import Purchase
from customers.tests.factories import create_store
from rewards.models import Tier, TierMembership
from surveys import dashboards, funnels, scores, splits
from surveys.models import Answer, Campaign, Invitation, Message, Question, Response, Run, Survey, SurveyVersion
from surveys.scopes import Scope
from surveys.tests.factories import NOW, create_asker, create_campaign, create_survey

pytestmark = pytest.mark.django_db
KINDS = ("nps", "csat", "choice", "matrix", "ranking", "text")
CHANNELS = ("email", "wechat", "receipt", "phone")


def build(seed: int, *, anonymity: str = "identified", size: int = 120) -> Survey:
    """Two campaigns, two versions, customers of three stores and two tiers, answers of every kind and way."""
    lot = random.Random(seed)
    survey = create_survey(kinds=("nps", "text"), anonymity=anonymity)
    stores = [create_store(code=f"s{seed}-{n}", name_en=f"Store {n}") for n in range(3)]
    gold = Tier.objects.create(code=f"gold-{seed}", name_en="Gold", rank=1, threshold=100)
    Tier.objects.create(code=f"base-{seed}", name_en="Base", rank=0)
    campaigns = [create_campaign(survey=survey, name=f"C{n}") for n in range(2)]
    versions = [survey.versions.get(), richer_version(survey)]
    runs = [
        Run.objects.create(
            campaign=campaign, version=versions[n], period_key="x", phase=Run.Phase.SENDING, planned_at=NOW, closes_at=NOW
        )
        for n, campaign in enumerate(campaigns)
    ]  # fmt: skip
    for _number in range(size):
        customer = create_asker()
        if lot.random() < 0.4:
            ended_at = lot.choice([None, NOW - dt.timedelta(days=lot.randrange(50))])
            TierMembership.objects.create(
                customer=customer, tier=gold, started_at=NOW - dt.timedelta(days=60), kept_until=NOW, reason="reached",
                ended_at=ended_at, end_reason="stepped_down" if ended_at else "",
            )  # fmt: skip
        if lot.random() < 0.6:
            Purchase.objects.create(
                store=lot.choice(stores), reference=uuid.uuid4().hex[:12], customer=customer, total=100,
                occurred_at=NOW - dt.timedelta(days=lot.randrange(500)),
            )  # fmt: skip
        _consider(lot, customer, lot.choice(runs))
    return survey


def richer_version(survey: Survey) -> SurveyVersion:
    """A second version that asks in every way there is."""
    version = SurveyVersion.objects.create(survey=survey, number=2)
    for place, kind in enumerate(KINDS, 1):
        Question.objects.create(
            version=version, position=place, key=f"{kind}-{place}", kind=kind, text_en=kind,
            choices_en="Coffee\nTea\nCake" if kind in ("choice", "matrix", "ranking") else "",
            rows_en="Food\nStaff" if kind == "matrix" else "",
        )  # fmt: skip
    version.published_at = NOW
    version.save()
    return version


def _consider(lot: random.Random, customer, run: Run) -> None:
    skip = lot.choice(["", "", "", "quarantine"])
    created = NOW - dt.timedelta(days=lot.randrange(40))
    invitation = Invitation.objects.create(
        run=run, customer=customer, skip=skip, language="en", time_zone="Europe/Berlin", created_at=created,
        email_normalised=f"{uuid.uuid4()}@x.example", viewed_at=None if skip else lot.choice([None, created]),
    )  # fmt: skip
    if not skip:
        for kind in ("invite", "reminder")[: lot.randint(1, 2)]:
            state = lot.choice(["accepted", "delivered", "bounced", "queued", "complained"])
            Message.objects.create(
                run=run, invitation=invitation, kind=kind, state=state, not_before=created,
                finished_at=created + dt.timedelta(days=4 if kind == "reminder" else 0),
            )  # fmt: skip
    way = lot.random()
    if skip and way < 0.6:
        return
    started = created + dt.timedelta(days=lot.randrange(8))
    is_done = lot.random() < 0.8
    mail = not skip and way < 0.7
    names = run.version.survey.anonymity == "identified"
    response = Response.objects.create(
        version=run.version, campaign=run.campaign, run=run if mail else None, invitation=invitation if mail else None,
        customer=customer if names and (mail or lot.random() < 0.5) else None, started_at=started,
        completed_at=started if is_done else None, channel="email" if mail else lot.choice(CHANNELS[1:]),
        mode="phone" if not mail and lot.random() < 0.3 else "web", language=lot.choice(["en", "zh-hans"]),
        is_test=not mail and lot.random() < 0.1,
    )  # fmt: skip
    Invitation.objects.filter(pk=invitation.pk).update(has_answered=mail and is_done)
    for question in run.version.questions.all():
        _answer(lot, response, question)


def _answer(lot: random.Random, response: Response, question: Question) -> None:
    values = {
        "choice": {"chosen": [lot.randrange(3)]},
        "matrix": {"chosen": [lot.choice([None, 0, 1, 2]), lot.randrange(3)]},
        "ranking": {"chosen": lot.sample(range(3), 3)},
        "text": {"text": "Fine."},
    }
    number = {"nps": lot.randint(0, 10), "csat": lot.randint(1, 5)}.get(question.kind)
    if lot.random() < 0.9:
        Answer.objects.create(response=response, question=question, **values.get(question.kind, {"number": number}))


def finished(survey: Survey) -> list[Response]:
    rows = Response.objects.select_related("customer", "invitation__customer", "campaign").prefetch_related(
        "answers__question"
    )
    return [row for row in rows if row.version.survey_id == survey.pk and row.completed_at and not row.is_test]


def numbers(responses: list[Response], key: str) -> list[int]:
    return [a.number for r in responses for a in r.answers.all() if a.question.key == key and a.number is not None]


def nps_of(given: list[int]) -> float | None:
    return 100 * (sum(n >= 9 for n in given) - sum(n <= 6 for n in given)) / len(given) if given else None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_figure_equals_a_recount(seed):
    survey = build(seed)
    scope, raw = Scope(survey=survey), finished(survey)
    found = {(one.question.key, one.question.kind): one for one in dashboards.figures(scope=scope)}
    assert set(found) == {(f"{kind}-{place}", kind) for place, kind in enumerate(KINDS, 1)} | {("text-2", "text")}
    given = numbers(raw, "nps-1")
    nps = found["nps-1", "nps"]
    assert nps.spread == {n: given.count(n) for n in range(11)}
    assert math.isclose(nps.score.value, nps_of(given))
    chosen = {kind: [a.chosen for r in raw for a in r.answers.all() if a.question.kind == kind] for kind in KINDS}
    assert found["choice-3", "choice"].spread == {n: chosen["choice"].count([n]) for n in range(3)}
    for row in (0, 1):
        assert found["matrix-4", "matrix"].rows[row] == {
            n: sum(c[row] == n for c in chosen["matrix"]) for n in range(3)
        }
    assert found["ranking-5", "ranking"].spread == {n: sum(c[0] == n for c in chosen["ranking"]) for n in range(3)}
    assert found["text-6", "text"].answered == sum(a.question.key == "text-6" for r in raw for a in r.answers.all())


@pytest.mark.parametrize("seed", [4, 5])
def test_every_split_equals_a_recount(seed):
    survey = build(seed)
    raw = finished(survey)
    question = Scope(survey=survey).questions()[0]
    found = {split.name: split for split in splits.splits(scope=Scope(survey=survey), question=question, now=NOW)}

    def person(response):
        return response.customer or (response.invitation and response.invitation.customer)

    def tier(response):
        who = person(response)
        rows = who.tier_memberships.all() if who else []
        held = [
            r
            for r in rows
            if r.started_at <= response.started_at < (r.ended_at or dt.datetime.max.replace(tzinfo=dt.UTC))
        ]
        return held[0].tier_id if held else None

    def store(response):
        bought = person(response).purchases.all() if person(response) else []
        bought = [one for one in bought if one.occurred_at <= response.started_at]
        return max(bought, key=lambda one: (one.occurred_at, one.pk)).store_id if bought else None

    def wave(response):
        if response.mode == "phone":
            return "phone"
        if response.run_id is None:
            return "link"
        mails = response.invitation.messages.filter(
            kind="reminder", state__in=("accepted", "delivered", "bounced", "complained")
        )
        return "reminder" if any(mail.finished_at <= response.started_at for mail in mails) else "first"

    columns = {
        "store": store,
        "tier": tier,
        "channel": lambda r: r.channel,
        "mode": lambda r: r.mode,
        "language": lambda r: r.language,
        "campaign": lambda r: r.campaign_id,
        "wave": wave,
    }
    for name, column in columns.items():
        groups = {}
        for response in raw:
            groups.setdefault(column(response), []).extend(numbers([response], "nps-1"))
        expected = {key: (len(given), round(nps_of(given), 6)) for key, given in groups.items() if given}
        assert {g.key: (g.n, round(g.score.value, 6)) for g in found[name].groups} == expected, name
    everyone = next(group for group in found["segment"].groups if group.key == "everyone")
    assert everyone.n == len(numbers([r for r in raw if person(r)], "nps-1"))


@pytest.mark.parametrize("seed", [6, 7])
def test_the_funnel_and_the_mix_equal_a_recount(seed):
    survey = build(seed)
    invitations = list(Invitation.objects.prefetch_related("messages", "responses").select_related("customer"))
    states = [{mail.state for mail in one.messages.all()} for one in invitations]
    begun = [r for one in invitations for r in one.responses.all()]
    funnel = funnels.funnel(scope=Scope(survey=survey))
    assert funnel.considered == len(invitations)
    assert funnel.invited == sum(not one.skip for one in invitations)
    assert funnel.accepted == sum(bool(s & {"accepted", "delivered", "bounced", "complained"}) for s in states)
    assert funnel.delivered == sum(bool(s & {"delivered", "complained"}) for s in states)
    assert (funnel.started, funnel.completed) == (len(begun), sum(r.completed_at is not None for r in begun))
    assert math.isclose(funnel.response, 100 * funnel.completed / funnel.delivered)
    Message.objects.filter(state__in=["delivered", "complained"]).update(state="accepted")
    without = funnels.funnel(scope=Scope(survey=survey))
    assert without.delivered == sum(bool(s & {"accepted", "delivered", "complained"}) for s in states)

    def recency(one):
        days = [
            (one.created_at - p.occurred_at).days
            for p in one.customer.purchases.all()
            if p.occurred_at <= one.created_at
        ]
        if not days:
            return "had never bought"
        return next(
            word
            for limit, word in [
                (30, "bought within 30 days before"),
                (90, "31 to 90 days before"),
                (365, "91 to 365 days before"),
                (10**6, "longer ago"),
            ]
            if min(days) <= limit
        )

    mix = funnels.mixes(scope=Scope(survey=survey))[0]
    asked = Counter(recency(one) for one in invitations if not one.skip)
    answered = Counter(recency(one) for one in invitations if not one.skip and one.has_answered)
    assert {row.label: (row.invited, row.answered) for row in mix.rows} == {
        w: (n, answered[w]) for w, n in asked.items()
    }


def test_a_trend_equals_a_recount_by_month_and_by_week():
    survey = build(8)
    question = Scope(survey=survey).questions()[0]
    raw = finished(survey)
    months = dashboards.trend(scope=Scope(survey=survey), question=question, now=NOW)
    assert [period.starts_date for period in months[-2:]] == [dt.date(2026, 2, 1), dt.date(2026, 3, 1)]
    for period in months:
        given = numbers([r for r in raw if r.completed_at.date().replace(day=1) == period.starts_date], "nps-1")
        assert (period.score.value if period.score else None) == pytest.approx(nps_of(given))
    short = Scope(survey=survey, since=NOW - dt.timedelta(days=30), until=NOW + dt.timedelta(days=1))
    weeks = dashboards.trend(scope=short, question=question, now=NOW)
    within = [r for r in raw if short.since <= r.completed_at < short.until]
    assert sum(period.score.n for period in weeks if period.score) == len(numbers(within, "nps-1"))


def test_a_change_is_flagged_only_when_zero_lies_outside():
    same = scores.nps(promoters=50, detractors=20, n=100)
    better = scores.nps(promoters=80, detractors=5, n=100)
    assert not scores.difference(now=same, before=same).is_clear
    assert scores.difference(now=better, before=same).is_clear
    assert not scores.difference(now=scores.nps(promoters=8, detractors=1, n=10), before=same).is_clear


def test_the_interval_of_a_difference_of_shares_is_newcombes():
    found = scores.difference(now=scores.share(hits=56, n=70), before=scores.share(hits=48, n=80))
    assert (round(found.value, 2), round(found.low, 2), round(found.high, 2)) == (20.0, 5.24, 33.39)


def test_a_promised_survey_hides_small_groups_and_what_could_be_taken_from_the_whole():
    survey = create_survey(kinds=("nps",), anonymity="confidential")
    question = Scope(survey=survey).questions()[0]
    for channel, times in {"email": 20, "wechat": 12, "receipt": 4}.items():
        for _number in range(times):
            response = Response.objects.create(
                version=question.version, language="en", channel=channel, started_at=NOW, completed_at=NOW
            )
            Answer.objects.create(response=response, question=question, number=9)
    split = splits.by(scope=Scope(survey=survey), question=question, name="channel")
    # The receipt's four alone could be found by subtraction, so the next smallest group is hidden with them.
    assert {g.key: (g.n, g.is_hidden) for g in split.groups} == {
        "email": (20, False), "wechat": (0, True), "receipt": (0, True),
    }  # fmt: skip
    assert not Scope(survey=survey).is_hidden(answered=36)
    assert Scope(survey=survey, channel="receipt").is_hidden(answered=4)
    assert Scope(survey=survey, mode="web").is_hidden(answered=32)
    identified = create_survey(kinds=("nps",))
    assert not Scope(survey=identified, channel="receipt").is_hidden(answered=4)
    assert Campaign.objects.count() == 0

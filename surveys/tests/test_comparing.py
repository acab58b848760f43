"""Thanks by a coin: tossed before anything leaves, the same in every run, and measured like any other gift."""

import datetime as dt

import pytest
import time_machine
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from customers.tests.factories import create_user
from loyalty_site.insights import effects
from rewards import coupons, sale, uplift
from rewards.models import Assignment, PointTransaction, Trial
from rewards.tests.coupon_factories import create_batch
from surveys import audience, campaigns, comparing, letters, public_links, responses, runs, thanks
from surveys.models import Campaign, Invitation, LinkThanks, RewardGrant, Run, SurveyLink
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def compared(*, people: int = 40, **fields) -> Run:
    """Ask some people, half of them without thanks."""
    for _number in range(people):
        create_asker()
    return create_run(**{"points": 50, "thanks_holdout": 5_000} | fields)


def arms(run: Run) -> tuple[list[Invitation], list[Invitation]]:
    """Return who is promised thanks and who is not."""
    gets = dict(Assignment.objects.filter(trial=run.campaign.trial).values_list("customer", "is_gift"))
    rows = list(run.invitations.filter(skip="").select_related("run__campaign").order_by("pk"))
    return [row for row in rows if gets[row.customer_id]], [row for row in rows if not gets[row.customer_id]]


def test_everybody_asked_is_assigned_before_a_mail_leaves():
    create_asker(email="broken@")
    run = compared()
    trial = run.campaign.trial
    assert (trial.kind, trial.odds) == (Trial.Kind.SURVEY, 5_000)
    invited = run.invitations.filter(skip="")
    assert set(trial.assignments.values_list("customer", flat=True)) == set(invited.values_list("customer", flat=True))
    assert trial.assignments.count() == 40
    gift, control = arms(run)
    assert min(len(gift), len(control)) > 8
    assert not run.messages.exclude(state="queued").exists()


def test_only_who_is_promised_thanks_reads_of_them_and_gets_them():
    run = compared()
    writer = letters.Letters()
    for row, is_gift in [
        (row, is_gift) for is_gift, rows in zip((True, False), arms(run), strict=True) for row in rows[:3]
    ]:
        mail = writer.write(run=run, message=row.messages.get()).as_email()
        assert ("50 points" in mail.body) == is_gift
        assert bool(thanks.promise(campaign=run.campaign, invitation=row)) == is_gift
        responses.complete(invitation=row, values={}, language="en", now=NOW)
        assert PointTransaction.objects.filter(source=f"survey:{row.pk}").exists() == is_gift
        assert Assignment.objects.get(customer=row.customer_id).cost == (sale.value_of(50) if is_gift else 0)


def test_a_coupon_costs_its_cost_price():
    run = compared(points=0, coupon_batch=create_batch(cost_price=90))
    row = arms(run)[0][0]
    responses.complete(invitation=row, values={}, language="en", now=NOW)
    assert Assignment.objects.get(customer=row.customer_id).cost == 90


def test_the_coin_is_the_customers_in_every_run_of_a_campaign():
    run = compared(trigger="recurring", rhythm="monthly", quarantine_days=0, answered_days=0)
    before = {row.pk for row in Assignment.objects.all()}
    later = NOW + 31 * DAY
    [second] = campaigns.plan_due_runs(now=later)
    audience.prepare(run=second, now=later)
    assert second.invitations.filter(skip="").count() == 40
    assert {row.pk for row in Assignment.objects.all()} == before
    assert [row.customer_id for row in arms(second)[0]] != []
    assert {row.customer_id for row in arms(second)[1]} == {row.customer_id for row in arms(run)[1]}


def test_preparing_again_after_a_crash_assigns_nobody_twice():
    run = compared(people=7)
    Run.objects.filter(pk=run.pk).update(phase=Run.Phase.PREPARING, prepared_through=0)
    audience.prepare(run=run, now=NOW, chunk=2)
    assert Assignment.objects.count() == 7


def test_who_is_compared_finds_no_thanks_behind_a_link():
    run = compared(people=2)
    link = SurveyLink(campaign=run.campaign, channel="receipt")
    assert public_links.offer(link=link, customer=create_asker(), now=NOW) == thanks.NOTHING
    link.campaign.thanks_holdout = 0
    assert public_links.offer(link=link, customer=create_asker(), now=NOW).points == 50


def test_a_campaign_without_comparison_tosses_nothing(django_assert_num_queries):
    run = compared(people=3, thanks_holdout=0)
    assert run.campaign.trial is None
    assert not Trial.objects.exists()
    row = run.invitations.select_related("run__campaign").first()
    with django_assert_num_queries(0):
        assert comparing.is_promised(invitation=row)


def test_the_trial_ends_with_the_run():
    run = compared(people=4)
    runs.close(run=run, now=NOW + 30 * DAY)
    trial = Trial.objects.get()
    assert (trial.closed_at, trial.is_cut_short) == (NOW + 30 * DAY, False)


def test_a_cancelled_campaign_is_cut_short():
    run = compared(people=4)
    campaigns.cancel(campaign=run.campaign, now=NOW + DAY)
    assert Trial.objects.get().is_cut_short


def test_a_copy_has_no_trial_yet():
    run = compared(people=2)
    made = campaigns.copy(campaign=run.campaign, by=None)
    assert (made.thanks_holdout, made.trial) == (5_000, None)


@pytest.mark.parametrize(
    "fields", [{"points": 0}, {"points": 5, "thanks_holdout": 400}, {"points": 5, "thanks_holdout": 5_100}]
)
def test_nothing_can_be_compared_without_thanks_or_with_hardly_anybody(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        create_campaign(**{"thanks_holdout": 1_000} | fields)


def by_another_way(run: Run, way: str, invitation: Invitation, *, at: dt.datetime) -> None:
    """Give somebody the thanks of a campaign without its coin."""
    if way == "staff":
        coupons.issue(
            batch=run.campaign.coupon_batch, customer=invitation.customer, source=f"staff:{invitation.pk}:{at}", now=at
        )
    elif way == "link":
        LinkThanks.objects.create(
            campaign=create_campaign(survey=run.campaign.survey, points=30),
            customer=invitation.customer,
            points=30,
            earned_at=at,
        )
    else:
        survey = run.campaign.survey if way == "mail" else create_campaign().survey
        other = create_run(survey=survey, points=30, quarantine_days=0, answered_days=0)
        asked, _new = Invitation.objects.get_or_create(run=other, customer=invitation.customer, defaults={"skip": ""})
        RewardGrant.objects.create(
            invitation=asked,
            campaign=other.campaign,
            state="granted",
            points=30,
            earned_at=at,
            decided_at=at,
            granted_date=at.date(),
        )


@pytest.mark.parametrize(
    ("way", "fields", "counts"),
    [
        ("staff", {"points": 0, "coupon_batch": True}, True), ("link", {}, True), ("mail", {}, True),
        ("link", {"points": 0, "coupon_batch": True}, False), ("another survey", {}, False),
    ],
)  # fmt: skip
def test_who_was_left_out_and_got_the_same_by_another_way_is_counted(way: str, fields: dict, counts: bool):
    if fields.get("coupon_batch"):
        fields = fields | {"coupon_batch": create_batch()}
    run = compared(people=40, **fields)
    gift, control = arms(run)
    later = NOW + 61 * DAY

    def said():
        return comparing.report(campaign=run.campaign, now=later)

    assert (said().got_it_too, said().problem) == (0, "")
    by_another_way(run, way, gift[0], at=NOW + 3 * DAY)  # has it anyway
    by_another_way(run, way, control[0], at=NOW + 60.5 * DAY)  # after the days
    assert said().got_it_too == 0
    for row in control[1:4]:
        by_another_way(run, way, row, at=NOW + 3 * DAY)
    assert (said().got_it_too, said().problem) == ((3, uplift.GOT_IT_TOO) if counts else (0, ""))
    boss = Client()
    boss.force_login(create_user(is_staff=True, is_superuser=True))
    with time_machine.travel(later, tick=False):
        page = boss.get(f"/admin/surveys/campaign/{run.campaign_id}/effect/").text
    assert ("were given the same by another way" in page) == counts


def test_its_effect_stands_on_its_page_and_among_what_works():
    cache.clear()
    run = compared()
    report = uplift.report(trial=run.campaign.trial, now=NOW + 61 * DAY)
    assert (report.counted, report.problem) == (40, "")
    boss = Client()
    boss.force_login(create_user(is_staff=True, is_superuser=True))
    page = boss.get(f"/admin/surveys/campaign/{run.campaign_id}/effect/").text
    assert "50 of 100 customers without a promise of thanks" in page
    rows = boss.get(f"/admin/surveys/campaign/{run.campaign_id}/effect/rows/")
    assert rows["Content-Type"].startswith("text/csv")
    found = effects.trials(now=timezone.now() + 90 * DAY).words()["thanks"]
    assert [verdict.name for verdict in found] == [run.campaign.name]
    other = Campaign.objects.create(name="x", survey=run.campaign.survey, segment="everyone", subject_en="x")
    assert boss.get(f"/admin/surveys/campaign/{other.pk}/effect/").status_code == 404

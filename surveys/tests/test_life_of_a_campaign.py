"""A campaign from its schedule to the last answer, the tasks called directly."""

import datetime as dt

import pytest
from django.test import Client

from customers.tests.factories import create_user
from rewards.models import PointTransaction
from surveys import campaigns, claiming, letters, links, mailing, runs, tasks
from surveys.models import Campaign, Case, Message, Response, Run, Survey
from surveys.tests.answering import answers
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run

pytestmark = pytest.mark.django_db


def send(now: dt.datetime = NOW) -> None:
    assert mailing.send_due(clock=lambda: now) is False


def state_of(run: Run) -> str:
    return runs.state(run=run, is_unfinished=bool(runs.counts(run=run).unfinished))


def test_a_scheduled_campaign_is_sent_answered_and_thanked(sink, client):
    alice = create_asker(name="Alice", email="alice@shop.example")
    campaign = create_campaign(points=50)
    staff = create_user(is_staff=True)
    campaigns.schedule(campaign=campaign, by=staff, now=NOW)
    [run] = campaigns.plan_due_runs(now=NOW)
    tasks.audience.prepare(run=run, now=NOW)
    send()
    [mail] = sink.to("alice@shop.example")
    invitation = run.invitations.get()
    path = links.answer_url(invitation.pk).removeprefix("http://localhost:8000")
    assert path in mail.get_body(("plain",)).get_content()
    run.refresh_from_db()
    run.closes_at = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    run.save()
    page = client.post(path, answers(invitation, "3", "Cold coffee"))
    assert page.status_code == 200
    assert "50 points" in page.text
    [earned] = PointTransaction.objects.all()
    assert (earned.customer, earned.points, earned.source) == (alice, 50, f"survey:{invitation.pk}")
    [case] = Case.objects.all()
    assert case.customer == alice
    counts = runs.counts(run=run)
    assert (counts.considered, counts.skipped, counts.left) == (1, 0, 1)
    assert runs.state(run=run, is_unfinished=bool(counts.unfinished)) == "sent"


def test_two_clocks_make_one_run():
    campaign = create_campaign()
    campaigns.schedule(campaign=campaign, by=None, now=NOW)
    assert len(campaigns.plan_due_runs(now=NOW)) == 1
    assert campaigns.plan_due_runs(now=NOW) == []
    assert campaigns._plan(campaign.pk, NOW) == []  # the other clock, which looked before the first one wrote
    assert Run.objects.get().period_key == "2026-03-10T13:00"


def test_a_campaign_leaves_neither_early_nor_after_being_cancelled(sink):
    create_asker()
    campaign = create_campaign(scheduled_at=NOW + dt.timedelta(minutes=1))
    campaigns.schedule(campaign=campaign, by=None, now=NOW)
    assert campaigns.plan_due_runs(now=NOW) == []
    campaigns.cancel(campaign=campaign, now=NOW)
    assert campaigns.plan_due_runs(now=NOW + dt.timedelta(hours=1)) == []
    send()
    assert sink.messages == []


def test_cancelling_while_sending_drops_what_is_queued_and_keeps_the_books_straight(sink):
    for _number in range(3):
        create_asker()
    run = create_run(per_claim=1)
    with mailing.courier.Courier() as connection:
        mailing.send(claiming.claim(run_id=run.pk, now=NOW, most=1), connection=connection, letters=letters.Letters())
    campaigns.cancel(campaign=run.campaign, now=NOW)
    send()
    run.refresh_from_db()
    counts = runs.counts(run=run)
    assert len(sink.messages) == 1
    assert counts.states == {"accepted": 1, "cancelled": 2}
    assert (run.phase, counts.considered) == (Run.Phase.CANCELLED, 3)


def test_a_slot_missed_by_more_than_six_hours_is_only_marked():
    create_asker()
    campaign = create_campaign(scheduled_at=NOW - dt.timedelta(hours=5))
    campaigns.schedule(campaign=campaign, by=None, now=NOW)
    [run] = campaigns.plan_due_runs(now=NOW + dt.timedelta(hours=2))
    tasks.audience.prepare(run=run, now=NOW)
    assert (run.phase, Message.objects.count()) == (Run.Phase.MISSED, 0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scheduled_at": None}, "Say when"),
        ({"scheduled_at": NOW - dt.timedelta(days=1)}, "long past"),
        ({"segment": "nobody-knows"}, "audience"),
        ({"state": Campaign.State.CANCELLED}, "stays cancelled"),
    ],
)
def test_a_campaign_that_is_not_ready_says_what_is_missing(change, sentence):
    campaign = create_campaign()
    for name, value in change.items():
        setattr(campaign, name, value)
    campaign.save()
    with pytest.raises(campaigns.CampaignNotReady, match=sentence):
        campaigns.schedule(campaign=campaign, by=None, now=NOW)


def test_a_campaign_needs_a_published_survey():
    survey = Survey.objects.create(slug="draft", title_en="Draft")
    survey.versions.create(number=1)
    with pytest.raises(campaigns.CampaignNotReady, match="Publish"):
        campaigns.schedule(campaign=create_campaign(survey=survey), by=None, now=NOW)


def test_a_run_is_not_called_sent_before_its_last_mail(sink):
    create_asker()
    run = create_run()
    assert state_of(run) == "sending"
    send()
    assert state_of(run) == "sent"


def test_a_paused_run_sends_nothing_until_it_is_resumed(sink):
    create_asker()
    run = create_run()
    runs.pause(run=run, reason=Run.PauseReason.MANUAL)
    send()
    assert sink.messages == []
    assert state_of(run) == "paused: by hand"
    with pytest.raises(runs.RunNotInPhase):
        runs.pause(run=run, reason=Run.PauseReason.MANUAL)
    runs.resume(run=run)
    send()
    assert len(sink.messages) == 1


def test_a_run_closes_with_its_answering_time_and_its_links_with_it(sink):
    create_asker()
    run = create_run(answer_days=1)
    assert runs.close_due(now=NOW + dt.timedelta(hours=23)) == 0
    assert runs.close_due(now=NOW + dt.timedelta(days=1)) == 1
    assert run.messages.get().state == Message.State.EXPIRED
    page = Client().get(links.answer_url(run.invitations.get().pk))
    assert page.status_code == 404
    assert Response.objects.count() == 0


def test_the_beat_tasks_may_ring_at_any_time(sink):
    create_asker()
    campaign = create_campaign(scheduled_at=dt.datetime.now(dt.UTC), hour_from=0, hour_until=24)
    campaigns.schedule(campaign=campaign, by=None, now=dt.datetime.now(dt.UTC))
    for _round in range(2):
        tasks.plan_runs()
        tasks.send_due()
        tasks.reap_messages()
    assert len(sink.messages) == 1

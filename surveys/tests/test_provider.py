"""Sending through a provider's HTTP interface that does everything wrong that it can."""

import datetime as dt
from collections import Counter

import pytest
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from django.test import override_settings

from customers.tests.factories import create_user
from surveys import claiming, mailing, replays, reports, uncertain
from surveys.models import Message, Run
from surveys.tests.factories import NOW, create_asker, create_run
from surveys.tests.test_reports import event
from tests.mail_provider import TAKES, MailProvider

pytestmark = pytest.mark.django_db
State = Message.State


@pytest.fixture
def provider():
    server = MailProvider()
    yield server
    server.close()


def postmark(provider: MailProvider) -> dict:
    options = {"server_token": "x", "api_url": provider.url, "timeout": 1}
    return {"surveys": {"BACKEND": "anymail.backends.postmark.EmailBackend", "OPTIONS": options}}


def resend(provider: MailProvider, api_key: str = "one") -> dict:
    options = {"api_key": api_key, "api_url": provider.url, "timeout": 1}
    return {"surveys": {"BACKEND": "surveys.resend.EmailBackend", "OPTIONS": options}}


def send(mailers: dict, now: dt.datetime = NOW) -> None:
    with override_settings(MAILERS=mailers):
        replays.replay_due(clock=lambda: now)
        mailing.send_due(clock=lambda: now, sleep=lambda seconds: None)


def run_to(*ways: str) -> Run:
    for way in ways:
        create_asker(email=f"{way}-1@shop.example")
    return create_run()


def state(run: Run, way: str) -> Message:
    return run.messages.get(invitation__email=f"{way}-1@shop.example")


@pytest.mark.parametrize("way", TAKES)
def test_what_may_have_been_taken_is_uncertain_and_never_repeated(provider, way):
    run = run_to(way)
    send(postmark(provider))
    assert state(run, way).state == State.UNCERTAIN
    send(postmark(provider), NOW + dt.timedelta(hours=2))
    mailing.reap(now=NOW + dt.timedelta(hours=2))
    assert len(provider.accepted) == 1


@pytest.mark.parametrize("way", TAKES)
def test_a_report_settles_what_was_uncertain(provider, way):
    run = run_to(way)
    send(postmark(provider))
    message = state(run, way)
    with override_settings(ANYMAIL={"WEBHOOK_SECRET": ["shop:secret"]}):
        body = PostmarkTrackingWebhookView().esp_to_anymail_event(event(message))
    reports.take_in(event=body, esp="Postmark", now=NOW)
    reports.work(now=NOW)
    message.refresh_from_db()
    assert message.state == State.DELIVERED


def test_a_refused_one_fails_and_a_throttled_one_is_tried_again_without_counting(provider):
    run = run_to("invalid", "throttle", "well")
    moment = NOW
    for _round in range(4):
        send(postmark(provider), moment)
        moment += dt.timedelta(minutes=2)
    assert {way: state(run, way).state for way in ("invalid", "throttle", "well")} == {
        "invalid": State.FAILED, "throttle": State.ACCEPTED, "well": State.ACCEPTED,
    }  # fmt: skip
    assert state(run, "throttle").tries == 1
    assert "@" not in state(run, "invalid").error
    assert state(run, "well").provider_id.startswith("provider-")


def test_a_provider_that_knows_a_message_again_is_asked_once_more(provider):
    run = run_to(*TAKES, "drop", "well")
    send(resend(provider))
    assert Counter(run.messages.values_list("state", flat=True)) == {State.UNCERTAIN: 5, State.ACCEPTED: 1}
    send(resend(provider), NOW + dt.timedelta(seconds=5))  # too early
    assert max(provider.requests.values()) == 1
    provider.is_well = True
    send(resend(provider), NOW + dt.timedelta(minutes=5))
    assert Counter(run.messages.values_list("state", flat=True)) == {State.ACCEPTED: 6}
    assert Counter(provider.accepted).most_common(1)[0][1] == 1, "the provider took a message twice"
    assert len(provider.accepted) == 6


def test_a_worker_killed_at_such_a_provider_leaves_nothing_to_decide(provider):
    run = run_to("well")
    with override_settings(MAILERS=resend(provider)), mailing.courier.Courier() as line:
        batch = claiming.claim(run_id=run.pk, now=NOW)
        mailing.begin(batch, now=NOW, account=line.replay_account)  # and nothing more: kill -9
    mailing.reap(now=NOW + dt.timedelta(minutes=6))
    assert state(run, "well").state == State.UNCERTAIN
    send(resend(provider), NOW + dt.timedelta(minutes=7))
    assert state(run, "well").state == State.ACCEPTED
    assert len(provider.accepted) == 1


@pytest.mark.parametrize("case", ["too late", "another account", "paused", "another provider", "unsubscribed"])
def test_a_message_is_not_repeated_where_it_might_be_the_second(provider, case):
    run = run_to("error")
    send(resend(provider))
    provider.is_well = True
    later, mailers = NOW + dt.timedelta(minutes=5), resend(provider)
    if case == "too late":
        later = NOW + dt.timedelta(hours=23)
    elif case == "another account":
        mailers = resend(provider, "two")
    elif case == "another provider":
        mailers = postmark(provider)
    elif case == "paused":
        mailing.runs.pause(run=run, reason=Run.PauseReason.MANUAL)
    else:
        mailing.suppression.unsubscribe(invitation=run.invitations.get(), source="test", now=NOW)
    send(mailers, later)
    assert state(run, "error").state == State.UNCERTAIN
    assert sum(provider.requests.values()) == 1


def test_a_person_may_still_decide_about_a_message_that_is_asked_about(provider):
    run = run_to("error")
    send(resend(provider))
    uncertain.write_off(message=state(run, "error"), by=create_user(is_staff=True), now=NOW)
    provider.is_well = True
    send(resend(provider), NOW + dt.timedelta(minutes=5))
    assert state(run, "error").state == State.WRITTEN_OFF

"""Many mails in one call: personal all the same, bisected when refused, uncertain as a whole, and never switched on by itself."""

import datetime as dt
from collections import Counter

import pytest
from django.test import override_settings

from surveys import batches, claiming, courier, letters, links, mailing, proof
from surveys.models import Message, Run, Suppression
from surveys.tests.factories import NOW, create_asker, create_run
from tests.mail_provider import TAKES, MailProvider

pytestmark = pytest.mark.django_db
State = Message.State


@pytest.fixture
def provider():
    server = MailProvider()
    options = {"api_key": "x", "sender_domain": "shop.example", "api_url": f"{server.url}v3", "timeout": 1}
    mailers = {"surveys": {"BACKEND": "anymail.backends.mailgun.EmailBackend", "OPTIONS": options}}
    with override_settings(MAILERS=mailers, SURVEY_BATCHES=True):
        yield server
    server.close()


def run_to(*people: str, **fields) -> Run:
    for name in people:
        create_asker(email=f"{name}@shop.example", name=name.title())
    return create_run(per_claim=50, **fields)


def send(now: dt.datetime = NOW) -> None:
    mailing.send_due(clock=lambda: now, sleep=lambda seconds: None)


def states(run: Run) -> dict[str, str]:
    return {row.invitation.email.partition("@")[0]: row.state for row in run.messages.select_related("invitation")}


def test_one_call_carries_many_mails_and_each_is_its_own(provider):
    run = run_to("c-1", "c-2", "c-3")
    send()
    assert [len(call) for call in provider.calls] == [3]
    assert set(states(run).values()) == {State.ACCEPTED}
    for message in run.messages.select_related("invitation"):
        mail, invitation = provider.mails[message.invitation.email], message.invitation
        assert mail["v:survey_message"] == mail["h:X-Survey-Message"] == str(message.pk)
        assert links.answer_url(invitation.pk) in mail["text"]
        assert links.answer_url(invitation.pk) in mail["html"]
        assert links.unsubscribe_url(invitation.pk) in mail["h:List-Unsubscribe"]
        assert mail["h:List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert invitation.name in mail["text"]
        # Nothing is left open, and nobody sees anybody else.
        assert "%recipient" not in "".join(mail.values())
        others = [other for other in provider.mails if other != invitation.email]
        assert not any(other in mail["text"] + mail["html"] for other in others)


def test_each_language_and_subject_is_a_call_of_its_own(provider):
    create_asker(email="c-zh@shop.example", language="zh-hans")
    run_to("c-1", "c-2")
    send()
    assert sorted(map(len, provider.calls)) == [1, 2]
    assert provider.mails["c-zh@shop.example"]["subject"] == "您满意吗？"


def test_a_name_is_data_in_a_batch_too(provider):
    create_asker(email="c-1@shop.example", name="<b>Bob</b> & Söhne")
    create_asker(email="c-2@shop.example", name="%recipient.answer%")
    create_asker(email="c-3@shop.example", name="Carol\r\nBcc: x@y.example")
    create_run(per_claim=50)
    send()
    bob, odd, carol = (provider.mails[f"c-{number}@shop.example"] for number in (1, 2, 3))
    assert "&lt;b&gt;Bob&lt;/b&gt; &amp; Söhne" in bob["html"]
    assert "<b>Bob</b> & Söhne" in bob["text"]
    # Who is called like a place is written to alone, where places mean nothing.
    assert sorted(map(len, provider.calls)) == [1, 2]
    assert "recipient-variables" not in odd
    assert "Carol Bcc: x@y.example" in carol["text"]


@pytest.mark.parametrize("bad", [["invalid-1"], ["invalid-1", "invalid-2"]])
def test_a_refused_call_is_halved_until_the_bad_ones_are_found(provider, bad):
    good = [f"c-{number}" for number in range(7)]
    run = run_to(*good[:3], *bad, *good[3:])
    send()
    assert states(run) == dict.fromkeys(good, State.ACCEPTED) | dict.fromkeys(bad, State.FAILED)
    assert Counter(provider.accepted).most_common(1)[0][1] == 1
    assert max(len(call) for call in provider.calls) == 7 + len(bad)
    # Halving finds one of eight by at most two calls a level.
    assert len(provider.calls) <= 1 + 2 * 4 * len(bad)
    assert not Suppression.objects.exists(), "what only says 400 is no word on the mailbox"


@pytest.mark.parametrize("way", TAKES)
def test_a_call_of_which_nobody_knows_is_uncertain_whole_and_never_repeated(provider, way):
    run = run_to("c-1", f"{way}-1", "c-2")
    send()
    assert set(states(run).values()) == {State.UNCERTAIN}
    send(NOW + dt.timedelta(hours=2))
    assert len(provider.calls) == 1
    assert proof.arrived_twice(mails=provider.accepted) == []


def test_a_throttled_call_is_given_back_whole_and_leaves_later(provider):
    run = run_to("c-1", "throttle-1", "c-2")
    send()
    assert set(states(run).values()) == {State.QUEUED}
    assert set(run.messages.values_list("tries", flat=True)) == {0}
    for minutes in (5, 10, 20):
        send(NOW + dt.timedelta(minutes=minutes))
    assert set(states(run).values()) == {State.ACCEPTED}
    assert len(provider.accepted) == 3


def test_a_refused_account_pauses_the_run_and_fails_nobody(provider):
    run = run_to("c-1", "forbidden-1")
    send()
    run.refresh_from_db()
    assert (run.phase, run.pause_reason) == ("paused", "provider_auth")
    assert set(states(run).values()) == {State.QUEUED}


def test_time_that_runs_out_gives_the_rest_back(provider, monkeypatch):
    run = run_to("c-1", "invalid-1", "c-2", "c-3")
    monkeypatch.setattr(batches, "SECONDS", -1.0)
    batch = claiming.claim(run_id=run.pk, now=NOW)
    with batches.courier() as line:
        mailing.send(batch, connection=line, letters=letters.Letters(), clock=lambda: NOW)
    assert provider.calls == []
    assert set(states(run).values()) == {State.QUEUED}


def test_one_mail_at_a_time_stays_one_at_a_time(provider):
    for name in ("c-1", "c-2"):
        create_asker(email=f"{name}@shop.example")
    create_run(per_claim=1)
    send()
    assert [len(call) for call in provider.calls] == [1, 1]


@pytest.mark.parametrize(
    ("switched_on", "backend", "kind"),
    [
        (True, "anymail.backends.mailgun.EmailBackend", batches.BatchCourier),
        (False, "anymail.backends.mailgun.EmailBackend", courier.Courier),
        (True, "anymail.backends.postmark.EmailBackend", courier.Courier),
        (True, "django.core.mail.backends.smtp.EmailBackend", courier.Courier),
    ],
)
def test_only_who_can_is_asked_and_only_when_switched_on(switched_on, backend, kind):
    with override_settings(SURVEY_BATCHES=switched_on, MAILERS={"surveys": {"BACKEND": backend}}):
        assert type(batches.courier()) is kind

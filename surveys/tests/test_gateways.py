"""Text messages: planned by phone number, in the same ledger as mails, handed over once through a real server that misbehaves."""

import datetime as dt
import logging
import uuid

import pytest
import time_machine
from apprise.plugins.bulksms import NotifyBulkSMS
from apprise.plugins.d7networks import NotifyD7Networks
from apprise.plugins.fortysixelks import Notify46Elks
from apprise.plugins.sinch import NotifySinch
from apprise.plugins.twilio import NotifyTwilio
from django.core.exceptions import ValidationError

from customers.models import Consent, Customer, Identifier
from customers.tests.factories import create_customer, create_user
from surveys import (
    claiming,
    gateways,
    links,
    mailing,
    messenger,
    pace,
    planning,
    preferences,
    proof,
    rehearsals,
    reminders,
    responses,
    runs,
    service_addresses,
    short_texts,
    suppression,
    uncertain,
)  # fmt: skip
from surveys.models import Campaign, Gateway, MailAccount, MailPolicy, Message, Run, Suppression
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run
from tests.text_provider import TAKES, TextProvider

State = Message.State
pytestmark = pytest.mark.django_db
ACCOUNTS = {
    "twilio://AC12345678abcdef:abcdef123456@+4915112345678": (NotifyTwilio, "notify_sms_url"),
    "sinch://abcdef123456:abcdef123456@+4915112345678?region=eu": (NotifySinch, "notify_url"),
    "elks://u1234567:abcdef123456@SHOP": (Notify46Elks, "notify_url"),
    "bulksms://abc-def-123:sec!ret*1@": (NotifyBulkSMS, "notify_url"),
    "d7sms://eyJhb.eyJ_x-.sig@": (NotifyD7Networks, "notify_url"),
}
ELKS = "elks://u1234567:abcdef123456@SHOP"
HOSTS = {
    "twilio": "api.twilio.com", "sinch": "eu.sms.api.sinch.com", "elks": "api.46elks.com", "bulksms": "api.bulksms.com",
    "d7sms": "api.d7networks.com",
}  # fmt: skip


@pytest.fixture
def provider(monkeypatch):
    server = TextProvider()
    for plugin, name in ACCOUNTS.values():
        monkeypatch.setattr(plugin, name, server.url)
    monkeypatch.setattr(service_addresses, "QUERY", service_addresses.QUERY.replace("rto=15", "rto=1"))
    yield server
    server.close()


def gateway_of(url: str = ELKS, **fields) -> Gateway:
    gateway = gateways.aim(gateway=Gateway(name=uuid.uuid4().hex, **fields), url=url)
    gateway.save()
    return gateway


def number_of(last: int) -> str:
    return f"+49151234567{last:02}"


def create_texter(last: int = 1, **fields) -> Customer:
    """Enrol a customer with a mobile number who agreed to surveys by text message."""
    customer = create_customer(phone=number_of(last), **fields)
    agree(customer)
    return customer


def agree(customer: Customer, *, channel: str = "sms", is_granted: bool = True, now: dt.datetime = NOW) -> None:
    Consent.objects.create(
        customer=customer, channel=channel, purpose="surveys", is_granted=is_granted, source="test", occurred_at=now
    )


def run_of(*, people: int = 1, **fields) -> Run:
    for last in range(1, people + 1):
        create_texter(last)
    fields.setdefault("gateway", gateway_of())
    return create_run(**fields)


def send(now: dt.datetime = NOW) -> None:
    mailing.send_due(clock=lambda: now, sleep=lambda seconds: None)


def skips(run: Run) -> dict[int, str]:
    return dict(run.invitations.values_list("customer", "skip"))


# Accounts


@pytest.mark.parametrize("url", ACCOUNTS)
def test_an_account_of_each_provider_takes_one_text_for_one_number(url, provider):
    run = run_of(gateway=gateway_of(url), body_en="您好 {name}, how was it?")
    send()
    message = run.messages.get()
    assert (message.state, message.provider_id) == (State.ACCEPTED, "provider-1")
    [(number, text)] = provider.taken
    assert number == number_of(1)
    assert text == f"您好 Alice, how was it?\n{links.answer_url(message.invitation_id)}"


@pytest.mark.parametrize("url", ACCOUNTS)
def test_the_host_is_the_providers_own(url, monkeypatch):
    asked = []

    def post(address, **kwargs):
        asked.append((address, kwargs["allow_redirects"], kwargs["verify"], kwargs["timeout"]))
        raise messenger.requests.ConnectionError

    monkeypatch.setattr(messenger.requests, "post", post)
    messenger.Messenger(gateway_of(url)).send_one(number=number_of(1), text="x")
    [(address, follows, verifies, timeout)] = asked
    assert address.startswith(f"https://{HOSTS[url.partition(':')[0]]}/")
    assert (follows, verifies, timeout) == (False, True, (5.0, 15.0))


@pytest.mark.parametrize(
    "url",
    [
        "json://localhost/x", "jsons://10.0.0.1/", "smseagle://token@10.0.0.1/+4915112345678", "mailto://a:b@c.example",
        "elks://u1234567:abcdef123456@SHOP/+4915112345679", "elks://u1234567:abcdef123456@SHOP?to=+4915112345679",
        "elks://u1234567:abcdef123456@SHOP?verify=no", "elks://u1234567:abcdef123456@SHOP:8080", "elks://SHOP",
        "twilio://AC12345678abcdef:abcdef123456@+4915112345678?method=call", "twilio://AC12345678abcdef:abcdef123456@w:+4915112345678",
        "twilio://nonsense:abcdef123456@+4915112345678", "sinch://abcdef123456:abcdef123456@+4915112345678?region=evil.example/",
        "bulksms://abc-def-123:secret1@@group", "d7sms://token1@+4915112345679", "TWILIO://x", "nonsense", "",
        "elks://u1234567:abcdef123456@SHOP\n", "whatsapp://token@123456", "vonage://key:secret@+4915112345678",
    ],
)  # fmt: skip
def test_no_other_address_is_let_in(url):
    if url.endswith("\n"):
        url = f"{url}x"
    with pytest.raises(gateways.BadGateway):
        gateways.aim(gateway=Gateway(name="x"), url=url)


def test_the_accounts_address_is_kept_sealed():
    assert b"abcdef123456" not in bytes(Gateway.objects.get(pk=gateway_of().pk).sealed_url)


# Who is asked


def test_people_are_reached_by_their_number_and_skipped_for_its_reasons():
    asked, mailed, landline = create_texter(1), create_asker(), create_customer(phone="+49301234567")
    agree(landline)
    no_number, refused, suppressed, stopped = create_customer(), create_texter(3), create_texter(4), create_texter(5)
    agree(no_number)
    agree(refused, is_granted=False)
    for customer, reason in ((suppressed, "staff"), (stopped, "unsubscribed")):
        suppression.suppress(
            email=customer.identifiers.get().normalised, scope="surveys", reason=reason, source="test",
            occurred_at=NOW + dt.timedelta(minutes=1),
        )  # fmt: skip
    run = create_run(gateway=gateway_of())
    assert skips(run) == {
        asked.pk: "", mailed.pk: "invalid_address", landline.pk: "invalid_address", no_number.pk: "invalid_address",
        refused.pk: "no_consent", suppressed.pk: "suppressed", stopped.pk: "unsubscribed",
    }  # fmt: skip
    invitation = run.invitations.get(skip="")
    assert (invitation.email, invitation.email_normalised) == (number_of(1), number_of(1))


def test_somebodys_mobile_telephone_is_found_behind_a_landline():
    customer = create_texter(1)
    Identifier.objects.filter(customer=customer).update(value="+49301234567", normalised="+49301234567")
    for phone in (number_of(2), number_of(3)):
        Identifier.objects.create(customer=customer, kind="phone", value=f"({phone})", normalised=phone)
    assert create_run(gateway=gateway_of()).invitations.get(skip="").email == number_of(2)


def test_the_consent_to_mails_is_none_to_messages_and_the_other_way_round():
    mailed = create_customer(email="a@shop.example", phone=number_of(1))
    agree(mailed, channel="email")
    texted = create_customer(email="b@shop.example", phone=number_of(2))
    agree(texted)
    assert skips(create_run(gateway=gateway_of())) == {mailed.pk: "no_consent", texted.pk: ""}
    other = create_run(quarantine_days=0)
    assert skips(other) == {mailed.pk: "", texted.pk: "no_consent"}


def test_the_same_people_are_rehearsed_and_planned():
    for last in (1, 2):
        create_texter(last)
    create_asker()
    campaign = create_campaign(gateway=gateway_of())
    found = rehearsals.rehearse(campaign=campaign, now=NOW)
    assert (found.considered, found.mails, found.skips) == (3, 2, {"invalid_address": 1})


def test_one_number_is_asked_once():
    first = create_texter(1)
    run = create_run(gateway=gateway_of())
    message, second = run.messages.get(), create_customer()
    agree(second)
    # By the rules of identifiers no two people share a number; the ledger holds all the same.
    moment, hashed = str(planning.statements.stored(NOW)), suppression.email_hash(number_of(1))
    fact = (second.pk, number_of(1), number_of(1), hashed, "", moment, message.wording_id)
    planning.consider(run=run, known=[fact], now=NOW)
    assert skips(run) == {first.pk: "", second.pk: "duplicate_mailbox"}


@pytest.mark.parametrize(
    ("phone", "is_usable"),
    [("+4915123456701", True), ("+8613912345678", True), ("+12025550123", True), ("+49301234567", False), ("+4915", False), ("+299221234", False), ("", False), ("0151", False)],
)  # fmt: skip
def test_a_number_is_usable_where_a_message_can_reach_it(phone, is_usable):
    assert planning.number(phone) == (phone if is_usable else "")


def test_who_was_asked_by_mail_rests_for_messages_too_and_the_other_way_round(provider):
    customer = create_texter(1)
    Identifier.objects.create(customer=customer, kind="email", value="a@shop.example", normalised="a@shop.example")
    agree(customer, channel="email")
    first = create_run(gateway=gateway_of())
    send()
    assert first.messages.get().state == State.ACCEPTED
    assert skips(create_run(now=NOW + dt.timedelta(days=2))) == {customer.pk: "quarantine"}
    assert skips(create_run(now=NOW + dt.timedelta(days=2), gateway=gateway_of())) == {customer.pk: "quarantine"}
    assert proof.all_of_it() == {}


def test_who_withdraws_while_the_message_waits_gets_none(provider):
    run = run_of()
    agree(Customer.objects.get(), is_granted=False)
    send()
    assert provider.taken == []
    assert run.invitations.get().skip == "no_consent"


# What the provider says


@pytest.mark.parametrize(
    ("way", "state", "tries"),
    [
        ("refused", State.FAILED, 1), ("error", State.UNCERTAIN, 1), ("cut", State.UNCERTAIN, 1), ("hang", State.UNCERTAIN, 1),
        ("drop", State.UNCERTAIN, 1), ("moved", State.UNCERTAIN, 1), ("account", State.QUEUED, 0), ("throttled", State.QUEUED, 0),
    ],
)  # fmt: skip
def test_what_a_provider_says_decides_and_no_number_is_kept_of_it(provider, way, state, tries, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    run = run_of()
    provider.ways[number_of(1)] = way
    send()
    message = run.messages.get()
    assert (message.state, message.tries) == (state, tries)
    send(NOW + dt.timedelta(hours=2))
    mailing.reap(now=NOW + dt.timedelta(hours=2))
    assert len(provider.taken) == (way in TAKES)
    message.refresh_from_db()
    assert number_of(1)[1:] not in message.error
    out, err = capfd.readouterr()
    assert number_of(1)[1:] not in caplog.text + out + err


def test_a_refused_account_pauses_the_run(provider):
    run = run_of(people=3)
    provider.ways[number_of(1)] = provider.ways[number_of(2)] = provider.ways[number_of(3)] = "account"
    send()
    run.refresh_from_db()
    assert (run.phase, run.pause_reason) == (Run.Phase.PAUSED, Run.PauseReason.PROVIDER_AUTH)
    assert sum(provider.requests.values()) == 1
    assert runs.counts(run=run).states == {"queued": 3}


def test_an_address_that_cannot_be_read_any_more_pauses_the_run_and_sends_nothing(provider, settings):
    run = run_of()
    settings.COUPON_KEY = "another" * 8
    send()
    run.refresh_from_db()
    assert (run.pause_reason, provider.taken) == (Run.PauseReason.PROVIDER_AUTH, [])
    assert run.messages.get().state == State.QUEUED


def test_a_provider_that_is_down_costs_no_attempt(provider, monkeypatch):
    run = run_of(people=2)
    monkeypatch.setattr(Notify46Elks, "notify_url", "http://127.0.0.1:9/")
    send()
    assert set(run.messages.values_list("state", "tries")) == {(State.QUEUED, 0)}
    monkeypatch.setattr(Notify46Elks, "notify_url", provider.url)
    send(NOW + dt.timedelta(minutes=2))
    assert sorted(provider.numbers()) == [number_of(1), number_of(2)]


def test_a_throttling_slows_this_gateway_and_nobody_else(provider):
    gateway = gateway_of()
    run_of(gateway=gateway)
    provider.ways[number_of(1)] = "throttled"
    send()
    assert [account.mailer for account in MailAccount.objects.all()] == [pace.mailer_of(gateway.pk)]
    assert pace.per_second(now=NOW) is None


def test_twenty_failures_in_a_row_pause_the_run(provider):
    run = run_of(people=25, per_claim=10)
    provider.ways = {number_of(last): "refused" for last in range(1, 26)}
    send()
    run.refresh_from_db()
    assert run.pause_reason == Run.PauseReason.ERROR_RATE
    assert runs.counts(run=run).states == {"failed": 20, "queued": 5}


def test_messages_wait_while_their_gateway_is_out_of_use(provider):
    gateway = gateway_of()
    run = run_of(gateway=gateway)
    Gateway.objects.update(is_active=False)
    send()
    assert (provider.taken, run.messages.get().state) == ([], State.QUEUED)
    Gateway.objects.update(is_active=True)
    send()
    assert provider.numbers() == [number_of(1)]


def test_a_dry_bucket_of_one_way_does_not_hold_up_the_other(provider, sink):
    gateway = gateway_of()
    MailAccount.objects.create(mailer=pace.mailer_of(gateway.pk), most_per_second=1, counted_at=NOW)
    texted = run_of(gateway=gateway)
    mailed = create_asker()
    create_run(quarantine_days=0)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(len(sink.messages))
        MailAccount.objects.update(thousandths=1000)

    mailing.send_due(clock=lambda: NOW, sleep=sleep)
    assert sink.to(mailed.identifiers.get().value)
    assert provider.numbers() == [number_of(1)]
    assert slept
    assert slept[0] == 1
    assert texted.messages.get().state == State.ACCEPTED


# At most once


def test_a_worker_killed_between_intent_and_outcome_leaves_an_uncertain_message(provider):
    run = run_of()
    mailing.begin(claiming.claim(run_id=run.pk, now=NOW), now=NOW)  # and nothing more: kill -9
    mailing.reap(now=NOW + dt.timedelta(minutes=6))
    send(NOW + dt.timedelta(minutes=7))
    message = run.messages.get()
    assert (message.state, provider.taken) == (State.UNCERTAIN, [])
    uncertain.send_again(message=message, by=create_user(is_staff=True), now=NOW + dt.timedelta(minutes=8))
    send(NOW + dt.timedelta(minutes=9))
    assert provider.numbers() == [number_of(1)]


def test_a_crash_after_the_provider_took_it_never_sends_twice(provider, monkeypatch):
    run = run_of()

    def crash(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(mailing, "write_back", crash)
        with pytest.raises(SystemExit):
            send()
    assert len(provider.taken) == 1
    mailing.reap(now=NOW + dt.timedelta(minutes=6))
    send(NOW + dt.timedelta(minutes=7))
    assert (len(provider.taken), run.messages.get().state) == (1, State.UNCERTAIN)


def test_a_shutdown_in_the_middle_of_a_message_leaves_it_uncertain_and_gives_the_rest_back(provider, monkeypatch):
    run = run_of(people=3)
    post = messenger.requests.post

    def interrupted(*args, **kwargs):
        answer = post(*args, **kwargs)
        if len(provider.taken) == 2:
            monkeypatch.undo()
            raise SystemExit
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(messenger.requests, "post", interrupted)
        with pytest.raises(SystemExit):
            send()
    assert runs.counts(run=run).states == {"accepted": 1, "sending": 1, "queued": 1}


WAYS = ["", "refused", "error", "cut", "drop", "throttled", "moved"]


@pytest.mark.parametrize("turn", range(len(WAYS)))
def test_whatever_a_provider_does_in_whatever_order_nobody_gets_a_message_twice(provider, turn):
    run = run_of(people=14, per_claim=3)
    for last in range(1, 15):
        provider.ways[number_of(last)] = WAYS[(last * (turn + 1)) % len(WAYS)]
    moment = NOW
    for round_ in range(6):
        if round_ == 3:
            provider.ways.clear()
        send(moment)
        moment += dt.timedelta(minutes=10)
        mailing.reap(now=moment)
    assert len(provider.numbers()) == len(set(provider.numbers()))
    accepted = set(run.messages.filter(state=State.ACCEPTED).values_list("invitation__email", flat=True))
    assert accepted <= set(provider.numbers())
    assert proof.does_not_add_up(run=run) == 0
    assert proof.all_of_it() == {}


# What it says


def test_the_usual_text_names_the_programme_in_both_languages_and_says_the_thanks(provider):
    campaign = create_campaign(gateway=gateway_of(), points=50)
    english = short_texts.sample(campaign=campaign, language="en", url="https://x.example/s/1/")
    assert "less than a minute" in english
    assert "50 points" in english
    assert english.endswith("https://x.example/s/1/")
    chinese = short_texts.sample(campaign=campaign, language="zh-hans", url="https://x.example/s/1/")
    assert "50" in chinese
    assert "minute" not in chinese


def test_a_name_is_data_all_the_way(provider):
    campaign = create_campaign(gateway=gateway_of(), body_en="Hello {name}!")
    text = short_texts.compose(campaign=campaign, language="en")
    said = short_texts.fill(text, language="en", name="{name}\n+4915100000000 <b>", url="https://x.example/")
    assert said == "Hello {name} +4915100000000 <b>!\nhttps://x.example/"


def test_the_rule_of_a_country_stands_before_the_text(provider):
    MailPolicy.objects.create(country="CN", subject_prefix="【广告】", footer_en="No footer in a message.")
    create_texter(1, time_zone="Asia/Shanghai", language="zh-hans")
    create_run(gateway=gateway_of(), body_zh="您满意吗？", hour_until=24)
    send()
    [(_number, text)] = provider.taken
    assert text.startswith("【广告】 您满意吗？")
    assert "footer" not in text


def test_who_did_not_answer_is_reminded_by_message(provider):
    run = run_of(body_en="How was it?", reminders=1, reminder_days=4)
    send()
    later = NOW + dt.timedelta(days=5)
    assert reminders.plan_due(now=later) == 1
    send(later)
    assert [text.partition("\n")[0] for _number, text in provider.taken] == [
        "How was it?",
        "Your opinion counts: How was it?",
    ]
    assert runs.counts(run=run).reminders == {"accepted": 1}


# How it ends, and how answers count


def test_answers_to_a_message_count_apart(provider):
    run = run_of()
    send()
    invitation = run.invitations.get()
    [question, _text] = run.version.questions.order_by("position")
    response = responses.complete(invitation=invitation, values={question: 9}, language="en", now=NOW)
    assert response.channel == "notifier"


def test_the_way_to_stop_leads_from_the_page_and_ends_messages_only(client, provider):
    customer = create_texter(1)
    agree(customer, channel="email")
    run = create_run(gateway=gateway_of())
    send()
    invitation = run.invitations.get()
    stop = links.preferences_url(invitation.pk)
    with time_machine.travel(NOW, tick=False):
        assert stop in client.get(links.answer_url(invitation.pk)).text
    assert "by text message" in client.get(stop).text
    assert client.post(stop).status_code == 200
    assert Suppression.objects.count() == 0
    said = client.post(stop, {"do": "surveys"}).text
    assert "by text message again" in said
    word = Consent.objects.filter(customer=customer, channel="sms").order_by("pk").last()
    assert not word.is_granted
    assert Consent.objects.filter(customer=customer, channel="email").get().is_granted
    assert Suppression.objects.get().email_hash == suppression.email_hash(number_of(1))
    later = NOW + dt.timedelta(days=60)
    assert skips(create_run(now=later, gateway=gateway_of())) == {customer.pk: "unsubscribed"}


def test_neither_surveys_nor_offers_ends_the_offers_by_message(provider):
    customer = create_texter(1)
    for channel in ("sms", "email"):
        Consent.objects.create(
            customer=customer, channel=channel, purpose="marketing", is_granted=True, source="test", occurred_at=NOW
        )
    run = create_run(gateway=gateway_of())
    preferences.leave_all(invitation=run.invitations.get(), now=NOW)
    granted = {
        (row.channel, row.purpose): row.is_granted for row in Consent.objects.filter(customer=customer).order_by("pk")
    }
    assert granted == {("sms", "surveys"): False, ("sms", "marketing"): False, ("email", "marketing"): True}


def test_numbers_and_mailboxes_are_suppressed_alike():
    assert suppression.normalise(" +4915112345678 ") == "+4915112345678"
    assert (
        suppression.normalise("4915112345678") == suppression.normalise("+49 151") == suppression.normalise("+0") == ""
    )
    assert (
        suppression.mask("The number +49 151 1234 5678 of a@b.example is bad.")
        == "The number <number> of <address> is bad."
    )


def test_a_campaign_asks_for_what_its_way_needs():
    with pytest.raises(ValidationError, match="subject"):
        Campaign(name="x", segment="everyone").clean()
    Campaign(name="x", segment="everyone", gateway=gateway_of()).clean()
    with pytest.raises(ValidationError, match="300"):
        Campaign(name="x", gateway=gateway_of(), body_zh="好" * 301).clean()
    with pytest.raises(ValidationError, match="compare"):
        Campaign(name="x", gateway=gateway_of(), subject_b_en="b").clean()

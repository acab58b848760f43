"""What a provider's webhooks do, through the door that the provider knocks at."""

import base64
import datetime as dt
import json
import uuid

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from customers import staff_mail
from customers.models import StaffNotice
from customers.tests.factories import create_user
from surveys import claiming, letters, links, mailing, reports, suppression, uncertain
from surveys.models import DeliveryEvent, MailReport, Message, Run, Suppression
from surveys.tests.factories import NOW, create_asker, create_run, invite

pytestmark = pytest.mark.django_db
State = Message.State
URL = "/anymail/postmark/tracking/"
SECRET = "shop:a-long-secret"
MAILERS = {"surveys": {"BACKEND": "anymail.backends.postmark.EmailBackend", "OPTIONS": {"server_token": "x"}}}


@pytest.fixture(autouse=True)
def _postmark(monkeypatch):
    # The moment at which a webhook arrives; the events of the tests lie before it.
    monkeypatch.setattr(timezone, "now", lambda: NOW + dt.timedelta(hours=1))
    monkeypatch.setattr("surveys.tasks.read_reports.delay", lambda: None)
    with override_settings(MAILERS=MAILERS, ANYMAIL={"WEBHOOK_SECRET": ["old:retired-soon", SECRET]}):
        yield


def event(message: Message | str, kind: str = "Delivery", *, at: dt.datetime = NOW, **fields) -> dict:
    """Return an event as Postmark posts it."""
    moment = {"Delivery": "DeliveredAt", "Bounce": "BouncedAt", "SpamComplaint": "BouncedAt"}.get(kind, "ChangedAt")
    email = message.invitation.email if isinstance(message, Message) else "stranger@shop.example"
    pk = str(message.pk) if isinstance(message, Message) else message
    return {
        "RecordType": kind, "MessageID": "pm-1", "Recipient": email, "Email": email, moment: at.isoformat(),
        "Metadata": {"survey_message": pk} if pk else {}, "Details": f"said of <{email}>",
    } | fields  # fmt: skip


def post(body: dict | bytes, *, secret: str = SECRET, url: str = URL, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    auth = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"} if secret else {}
    return Client(enforce_csrf_checks=True).post(
        url, data, content_type="application/json", headers=auth | headers, secure=True
    )


def accepted(email: str = "alice@shop.example") -> Message:
    message = invite(email=email).messages.get()
    Message.objects.filter(pk=message.pk).update(state=State.ACCEPTED, finished_at=NOW)
    message.refresh_from_db()
    return message


def tell(*bodies: dict) -> None:
    for body in bodies:
        assert post(body).status_code == 200
    reports.work(now=NOW + dt.timedelta(hours=1))


def state_of(message: Message) -> str:
    message.refresh_from_db()
    return message.state


def bounce(message: Message, kind: str = "HardBounce", number: int = 1, **fields) -> dict:
    return event(message, "Bounce", Type=kind, ID=number, **fields)


# The door


def test_a_report_is_one_row_at_first_and_understood_later(django_assert_num_queries):
    message = accepted()
    body = event(message)
    with django_assert_num_queries(1):
        assert post(body).status_code == 200
    assert state_of(message) == State.ACCEPTED
    reports.work(now=NOW)
    assert state_of(message) == State.DELIVERED
    assert not MailReport.objects.exists()
    assert DeliveryEvent.objects.get().message == message


@pytest.mark.parametrize("secret", ["", "shop:wrong", "shop:", "old", "\xff"])
def test_who_does_not_know_the_secret_changes_nothing(secret):
    message = accepted()
    assert post(event(message), secret=secret).status_code == 400
    assert not MailReport.objects.exists()


def test_a_retiring_secret_still_opens():
    assert post(event(accepted()), secret="old:retired-soon").status_code == 200


def test_the_door_is_closed_until_there_is_a_secret():
    with override_settings(ANYMAIL={"WEBHOOK_SECRET": []}):
        assert post(event(accepted())).status_code == 404
    assert not MailReport.objects.exists()


@pytest.mark.parametrize(
    "url", ["/anymail/mailgun/tracking/", "/anymail/postmark/nonsense/", "/anymail/smtp/tracking/"]
)
def test_the_door_is_open_for_the_provider_in_use_alone(url):
    assert post(event(accepted()), url=url).status_code == 404


def test_a_body_of_five_megabytes_is_refused():
    message = accepted()
    assert post(event(message, Details="x" * 5_000_000)).status_code == 413
    assert not MailReport.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"RecordType": 7}', b"null"])
def test_garbage_changes_nothing(body):
    client = Client(raise_request_exception=False)
    auth = {"Authorization": f"Basic {base64.b64encode(SECRET.encode()).decode()}"}
    client.post(URL, body, content_type="application/json", headers=auth, secure=True)
    reports.work(now=NOW)
    assert not DeliveryEvent.objects.exclude(kind="unknown").exists()
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("days", [-8, 1])
def test_events_out_of_their_time_are_not_stored(days):
    message = accepted()
    assert post(event(message, at=NOW + dt.timedelta(days=days))).status_code == 200
    assert not MailReport.objects.exists()


# One after the other


def test_a_replayed_report_has_one_effect():
    message = accepted()
    tell(event(message), event(message))
    tell(event(message))
    assert DeliveryEvent.objects.count() == 1
    tell(bounce(message), bounce(message))
    assert DeliveryEvent.objects.count() == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_reports_in_any_order_end_the_same(order):
    message = accepted()
    bodies = [event(message), bounce(message), event(message, "SpamComplaint", Type="SpamComplaint", ID=9)]
    for position in order:
        tell(bodies[position])
    assert state_of(message) == State.COMPLAINED


def test_a_late_delivery_never_undoes_a_bounce():
    message = accepted()
    tell(bounce(message), event(message))
    assert state_of(message) == State.BOUNCED


def test_a_report_that_is_quicker_than_our_own_commit_is_not_lost(caplog):
    create_asker()
    run = create_run()
    batch = claiming.claim(run_id=run.pk, now=NOW)

    class Quick:
        replay_account = ""

        def deliver(self, parcels):
            for parcel in parcels:
                tell(event(run.messages.get()))
                parcel.is_begun, parcel.outcome = True, mailing.Outcome(mailing.Verdict.ACCEPTED)

    mailing.send(batch, connection=Quick(), letters=letters.Letters(), clock=lambda: NOW)
    assert run.messages.get().state == State.DELIVERED
    assert "no longer ours" in caplog.text


def test_a_report_settles_an_uncertain_message_and_one_queued_again():
    one, two = accepted("a@shop.example"), accepted("b@shop.example")
    Message.objects.filter(pk=one.pk).update(state=State.UNCERTAIN)
    Message.objects.filter(pk=two.pk).update(state=State.QUEUED, finished_at=None)
    tell(event(one), event(two))
    assert state_of(one) == state_of(two) == State.DELIVERED
    assert Message.objects.filter(finished_at=None).count() == 0


def test_a_report_about_an_unknown_message_waits_a_day_and_is_kept_raw():
    pk = str(uuid.uuid4())
    tell(event(pk))
    assert MailReport.objects.count() == 1
    message = accepted()
    Message.objects.filter(pk=message.pk).update(id=pk)
    reports.work(now=NOW + dt.timedelta(hours=2))
    assert Message.objects.get(pk=pk).state == State.DELIVERED
    tell(event(str(uuid.uuid4()), at=NOW + dt.timedelta(minutes=1)))
    reports.work(now=NOW + dt.timedelta(hours=24))
    assert MailReport.objects.count() == 1
    reports.work(now=NOW + dt.timedelta(hours=26))
    assert MailReport.objects.count() == 0
    assert DeliveryEvent.objects.filter(message=None).count() == 1


# What follows


def suppressions() -> list[tuple[str, str]]:
    return list(Suppression.objects.order_by("pk").values_list("scope", "reason"))


@pytest.mark.parametrize(
    ("body", "state", "found"),
    [
        ({"Type": "HardBounce"}, State.BOUNCED, [("all", "bounced")]),
        ({"Type": "BadEmailAddress"}, State.FAILED, [("all", "invalid")]),
        ({"Type": "Blocked"}, State.FAILED, []),
        ({"Type": "SpamNotification"}, State.COMPLAINED, [("all", "complained")]),
        ({"Type": "SoftBounce"}, State.ACCEPTED, []),
        ({"Type": "Transient"}, State.ACCEPTED, []),
        ({"Type": "AutoResponder"}, State.ACCEPTED, []),
        ({"Type": "Unknown"}, State.ACCEPTED, []),
    ],
)
def test_each_kind_of_bounce_has_its_consequence(body, state, found):
    message = accepted()
    tell(event(message, "Bounce", ID=1, **body))
    assert (state_of(message), suppressions()) == (state, found)


def test_the_third_soft_bounce_in_thirty_days_suppresses_surveys():
    message = accepted()
    long_ago = DeliveryEvent(
        esp="Postmark", dedupe_key="old", message=message, kind="soft_bounced", occurred_at=NOW - dt.timedelta(days=31)
    )
    long_ago.save()
    tell(*(bounce(message, "SoftBounce", number) for number in (1, 2)))
    assert suppressions() == []
    tell(bounce(message, "SoftBounce", 3))
    assert suppressions() == [("surveys", "bounced")]


def test_who_unsubscribes_at_the_provider_has_withdrawn():
    message = accepted()
    tell(event(message, "SubscriptionChange", SuppressSending=True, SuppressionReason="ManualSuppression"))
    assert suppressions() == [("surveys", "unsubscribed")]
    assert not suppression.latest_consents(customer_ids=[message.invitation.customer_id]).popitem()[1].is_granted


def test_a_bounced_mail_that_was_no_survey_suppresses_its_mailbox():
    tell(event("", "Bounce", Type="HardBounce", ID=5))
    assert suppressions() == [("all", "bounced")]
    assert suppression.suppressed(emails=["stranger@shop.example"])


def test_nothing_keeps_the_address():
    message = accepted()
    tell(bounce(message))
    row = DeliveryEvent.objects.get()
    assert "alice" not in json.dumps(row.detail) + row.dedupe_key
    message.refresh_from_db()
    assert "alice" not in message.error


def test_three_complaints_pause_the_run():
    for _number in range(5):
        create_asker()
    run = create_run()
    run.messages.update(state=State.ACCEPTED, finished_at=NOW)
    for number, message in enumerate(run.messages.select_related("invitation")[:3]):
        tell(event(message, "SpamComplaint", Type="SpamComplaint", ID=100 + number))
    run.refresh_from_db()
    assert (run.phase, run.pause_reason) == (Run.Phase.PAUSED, Run.PauseReason.COMPLAINT_RATE)


# The other way to unsubscribe


def inbound(to: str) -> dict:
    return {"From": "alice@shop.example", "To": to, "ToFull": [{"Email": to}], "OriginalRecipient": to, "Headers": [],
            "Subject": "unsubscribe", "TextBody": "", "Attachments": []}  # fmt: skip


def test_a_mail_to_the_unsubscribe_address_ends_surveys():
    invitation = invite(email="alice@shop.example")
    with override_settings(UNSUBSCRIBE_EMAIL="leave@shop.example"):
        headers = letters.Letters().write(run=invitation.run, message=invitation.messages.get()).headers
        [web, address] = headers["List-Unsubscribe"].split(", ")
        assert web.startswith("<http")
        mailbox = address.removeprefix("<mailto:").removesuffix(">")
        for wrong in ("leave@shop.example", mailbox.replace("leave", "stay"), mailbox.replace("+", "+x")):
            assert post(inbound(wrong), url="/anymail/postmark/inbound/").status_code == 200
        assert suppressions() == []
        assert post(inbound(mailbox), url="/anymail/postmark/inbound/").status_code == 200
    assert suppressions() == [("surveys", "unsubscribed")]


def test_an_answer_token_unsubscribes_nobody():
    invitation = invite(email="alice@shop.example")
    token = links.token(purpose=links.Purpose.ANSWER, invitation_id=invitation.pk)
    with override_settings(UNSUBSCRIBE_EMAIL="leave@shop.example"):
        post(inbound(f"leave+{token}@shop.example"), url="/anymail/postmark/inbound/")
    assert suppressions() == []


# What staff hear


def test_staff_hear_once_a_day_of_mails_to_decide_about():
    create_user(email="owner@shop.example", is_staff=True, is_superuser=True)
    assert not uncertain.tell(now=NOW)
    message = accepted()
    Message.objects.filter(pk=message.pk).update(state=State.UNCERTAIN)
    for _time in range(2):
        assert uncertain.tell(now=NOW)
    notice = StaffNotice.objects.get()
    assert (notice.context["uncertain"], notice.context["failed"]) == (1, 0)
    written = staff_mail.compose(notice=notice)
    assert "1 survey mail" in written.body
    assert "?state__exact=uncertain" in written.body

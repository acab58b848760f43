"""Events are delivered at least once, signed, in turns; failures wait, end, and are told; one dead endpoint keeps nobody waiting."""

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from customers import staff_mail, webhook_delivery, webhook_endpoints, webhook_secrets, webhooks
from customers.models import StaffNotice, WebhookDelivery, WebhookEndpoint, WebhookEvent
from customers.models.webhook import EventType
from customers.tests.factories import NOON, create_customer, create_user
from customers.tests.webhook_receivers import (
    HOST,
    Forged,
    Receiver,
    make_certificates,
    resolver,
    trusting,
    verify,
)
from customers.webhook_endpoints import EarlierSecretSigns, NewSecret, Reason, WrongState

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = (dt.timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
State, EndpointState = WebhookDelivery.State, WebhookEndpoint.State


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificates")
    make_certificates(directory)
    return directory


@pytest.fixture
def receiver(certificates: Path, settings, monkeypatch) -> Iterator[Receiver]:
    with trusting(certificates, monkeypatch), Receiver(certificates) as receiver:
        settings.WEBHOOK_INTERNAL_TARGETS = [receiver.target]
        yield receiver


def listen(receiver: Receiver | None = None, *kinds: EventType, url: str = "") -> NewSecret:
    """Make an endpoint long ago, by default for everything."""
    return webhook_endpoints.create(
        label="Web shop",
        url=url or (receiver.url if receiver else f"https://{HOST}/"),
        event_types=kinds or EventType.values,
        by=None,
        now=NOON - DAY,
    )


def tell(number: int = 1, *, at: dt.datetime = NOON) -> None:
    for count in range(number):
        webhooks.announce(EventType.COUPON_ISSUED, occurred_at=at, coupon=count, batch=1, count=1)


def deliver(at: dt.datetime = NOON) -> int:
    return webhook_delivery.deliver_due(clock=lambda: at, ask=resolver())


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("endpoint").get()


def test_a_message_is_what_the_specification_asks_for(receiver: Receiver):
    new = listen(receiver)
    alice = create_customer(member_number="A1")
    webhooks.announce(EventType.CUSTOMER_ENROLLED, customer_id=alice.pk, occurred_at=NOON, source="api:k")
    assert deliver() == 1
    (call,) = receiver.calls
    event = WebhookEvent.objects.get()
    assert new.text.startswith("whsec_")
    assert (call.headers["webhook-id"], call.headers["content-type"]) == (event.uid, "application/json")
    assert event.uid.startswith("msg_")
    assert verify(call, new.text, now=NOON.timestamp()) == {
        "type": "customer.enrolled",
        "timestamp": "2026-03-10T12:00:00Z",
        "data": {"member_number": "A1", "source": "api:k"},
    }
    assert (only().state, only().status, only().attempts, only().finished_at) == (State.DELIVERED, 200, 1, NOON)
    assert deliver(NOON + DAY) == 0


def test_forged_changed_old_and_repeated_messages_are_known_as_such(receiver: Receiver):
    new = listen(receiver)
    tell()
    deliver()
    (call,) = receiver.calls
    moment, seen = NOON.timestamp(), set()
    assert verify(call, new.text, now=moment + 299, seen=seen) is not None
    assert verify(call, new.text, now=moment, seen=seen) is None
    stranger = webhook_secrets.display(webhook_secrets.generate())
    for change in (
        lambda: verify(call, stranger, now=moment),
        lambda: verify(call, new.text, now=moment + 301),
        lambda: verify(call, new.text, now=moment - 301),
    ):
        with pytest.raises(Forged):
            change()
    for name, value in (("webhook-id", "msg_other"), ("webhook-timestamp", str(int(moment) + 1))):
        honest, call.headers[name] = call.headers[name], value
        with pytest.raises(Forged):
            verify(call, new.text, now=moment)
        call.headers[name] = honest
    call.body = call.body.replace(b'"count":1', b'"count":9')
    with pytest.raises(Forged):
        verify(call, new.text, now=moment)


def test_while_a_secret_is_changed_both_sign(receiver: Receiver):
    old = listen(receiver)
    new = webhook_endpoints.rotate(endpoint=old.endpoint, overlap=DAY, now=NOON)
    with pytest.raises(EarlierSecretSigns):
        webhook_endpoints.rotate(endpoint=old.endpoint, overlap=DAY, now=NOON)
    tell()
    deliver(NOON + HOUR)
    for one in (old, new):
        assert verify(receiver.calls[0], one.text, now=(NOON + HOUR).timestamp())
    tell()
    deliver(NOON + DAY)
    assert verify(receiver.calls[1], new.text, now=(NOON + DAY).timestamp())
    with pytest.raises(Forged):
        verify(receiver.calls[1], old.text, now=(NOON + DAY).timestamp())


def test_a_secret_that_has_become_known_ends_at_once(receiver: Receiver):
    old = listen(receiver)
    webhook_endpoints.rotate(endpoint=old.endpoint, overlap=DAY, now=NOON)
    new = webhook_endpoints.rotate(endpoint=old.endpoint, overlap=dt.timedelta(), now=NOON)
    tell()
    deliver()
    assert verify(receiver.calls[0], new.text, now=NOON.timestamp())
    assert len(receiver.calls[0].headers["webhook-signature"].split()) == 1


def test_a_copy_of_the_database_signs_nothing_and_a_lost_key_is_said(receiver: Receiver, settings, caplog):
    new = listen(receiver)
    row = WebhookEndpoint.objects.values().get()
    secret = webhook_secrets.unseal(new.endpoint.secret_sealed)
    assert not any(secret in bytes(value) for value in row.values() if isinstance(value, bytes | memoryview))
    assert new.text not in repr(row)
    tell()
    settings.COUPON_KEY = "another key of at least fifty characters, as it must be"
    deliver()
    assert (receiver.calls, only().error, only().state) == ([], "secret", State.PENDING)
    assert "cannot be read" in caplog.text


def test_only_who_listens_for_it_is_told(receiver: Receiver):
    coupons, members = listen(receiver, EventType.COUPON_ISSUED), listen(receiver, EventType.CUSTOMER_ENROLLED)
    tell(2)
    deliver()
    assert Counter(WebhookDelivery.objects.values_list("endpoint", flat=True)) == {coupons.endpoint.pk: 2}
    assert members.endpoint.deliveries.count() == 0


def test_where_nobody_listens_announcing_asks_the_database_every_few_seconds_and_writes_nothing(
    django_assert_num_queries,
):
    webhooks.listen_anew()
    with django_assert_num_queries(1):
        tell(100)
        webhooks.announce_many(EventType.POINTS_CHANGED, (1 / 0 for _never in "x"))
    webhooks.EARS.fresh_until = time.monotonic() - 1
    with django_assert_num_queries(1):
        tell(100)
    assert not WebhookEvent.objects.exists()


def test_many_events_are_one_statement(django_assert_max_num_queries):
    listen()
    webhooks.is_wanted(EventType.TIER_CHANGED)
    news = [webhooks.News(None, NOON, {"rank": count}) for count in range(500)]
    with django_assert_max_num_queries(1):  # PostgreSQL's COPY is none that Django counts
        webhooks.announce_many(EventType.TIER_CHANGED, news)
    assert WebhookEvent.objects.count() == 500
    assert len(set(WebhookEvent.objects.values_list("uid", flat=True))) == 500


def test_what_is_hushed_is_not_told_and_what_comes_after_is():
    listen()
    with webhooks.hushed():
        tell(5)
    tell()
    assert WebhookEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_taken_back_told_nothing(receiver: Receiver):
    listen(receiver)
    with transaction.atomic():
        tell(3)
        transaction.set_rollback(True)
    tell()
    assert deliver() == 1
    assert len(receiver.calls) == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_leaves_before_the_commit(receiver: Receiver):
    """Another worker looks while the transaction is open, and finds nothing."""
    listen(receiver)
    found: list[int] = []

    def look() -> None:
        try:
            found.append(webhook_delivery.spread(now=NOON))
        except Exception as error:  # SQLite's one writer is somebody else
            found.append(0 if "locked" in str(error) else -1)
        finally:
            connection.close()

    with transaction.atomic():
        tell()
        if connection.vendor == "postgresql":
            other = threading.Thread(target=look)
            other.start()
            other.join()
            assert found == [0]
    assert deliver() == 1


def test_a_worker_that_vanishes_is_replaced_after_its_lease(receiver: Receiver):
    listen(receiver)
    tell()
    webhook_delivery.spread(now=NOON)
    assert len(webhook_delivery.claim(now=NOON)) == 1  # and never heard of again
    assert deliver(NOON + webhook_delivery.LEASE) == 0
    assert deliver(NOON + webhook_delivery.LEASE + SECOND) == 1
    assert only().state == State.DELIVERED


def test_a_worker_that_comes_too_late_changes_nothing(receiver: Receiver):
    listen(receiver)
    tell()
    webhook_delivery.spread(now=NOON)
    (slow,) = webhook_delivery.claim(now=NOON)
    later = NOON + webhook_delivery.LEASE + SECOND
    answers = webhook_delivery.send(slow, clock=lambda: NOON, ask=resolver())
    assert deliver(later) == 1
    webhook_delivery.settle(slow, answers, now=later)
    assert (only().attempts, only().state) == (1, State.DELIVERED)
    ids = {call.headers["webhook-id"] for call in receiver.calls}
    assert (len(receiver.calls), len(ids)) == (2, 1)  # at least once, under one name


def test_attempts_wait_longer_each_time_and_end(receiver: Receiver):
    listen(receiver)
    tell()
    receiver.plan.extend([400] * 20)
    now, waits = NOON, []
    deliver(now)
    while only().state == State.PENDING:
        due = only().next_attempt_at
        assert deliver(due - SECOND) == 0
        waits.append((due - now) / SECOND)
        now = due
        assert deliver(now) == 1
    expected = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert len(waits) == len(expected)
    assert all(wanted <= wait <= wanted * 1.1 for wait, wanted in zip(waits, expected, strict=True))
    assert (only().state, only().attempts, only().status) == (State.FAILED, 10, 400)
    assert len(receiver.calls) == 10
    assert deliver(now + 30 * DAY) == 0


@pytest.mark.parametrize(
    ("step", "status", "error"),
    [
        (500, 500, ""),
        ("reset", None, None),
        ("garbage", None, "not_http"),
        ((302, {"Location": "https://other.example/"}), 302, "redirect"),
        (404, 404, ""),
    ],
    ids=str,
)
def test_after_a_fault_the_endpoint_rests_and_then_gets_everything(receiver: Receiver, step, status, error):
    new = listen(receiver)
    tell(5)
    receiver.plan.append(step)
    deliver()
    assert len(receiver.calls) == 1  # the other four are not tried in vain
    first = WebhookDelivery.objects.get(attempts=1)
    assert first.status == status
    assert error is None or first.error == error
    assert deliver(NOON + 4 * SECOND) == 0
    assert deliver(NOON + 6 * SECOND) == 5
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {State.DELIVERED}
    new.endpoint.refresh_from_db()
    assert (new.endpoint.failures, new.endpoint.failing_since_at, new.endpoint.rests_until) == (0, None, None)


def test_a_message_that_is_refused_does_not_hold_up_the_others(receiver: Receiver):
    listen(receiver)
    tell(5)
    receiver.plan.append(422)
    assert deliver() == 5
    assert Counter(WebhookDelivery.objects.values_list("state", flat=True)) == {State.DELIVERED: 4, State.PENDING: 1}


def test_who_asks_for_time_gets_it(receiver: Receiver):
    listen(receiver)
    tell()
    receiver.plan.append((429, {"Retry-After": "600"}))
    deliver()
    assert deliver(NOON + 599 * SECOND) == 0
    assert deliver(NOON + 661 * SECOND) == 1


def test_an_endpoint_that_hangs_keeps_nobody_waiting(receiver: Receiver, certificates: Path, settings):
    with Receiver(certificates, hang_seconds=3) as dead:
        settings.WEBHOOK_INTERNAL_TARGETS = [receiver.target, dead.target]
        dead.plan.extend(["hang"] * 100)
        stuck = listen(dead)
        listen(receiver)
        tell(60)
        before = time.monotonic()
        deliver()
        assert len(receiver.calls) == 60
        assert max(call.at for call in receiver.calls) - before < 2.5  # long before the other one gave up
        assert len(dead.calls) == 1
    assert stuck.endpoint.deliveries.filter(state=State.PENDING).count() == 60


def test_410_ends_it_and_staff_are_told(receiver: Receiver):
    manager = create_user(email="manager@example.com", is_staff=True, is_superuser=True, language="zh-hans")
    new = listen(receiver)
    tell(3)
    receiver.plan.append(410)
    deliver()
    new.endpoint.refresh_from_db()
    assert (new.endpoint.state, new.endpoint.reason) == (EndpointState.DISABLED, Reason.GONE)
    assert set(new.endpoint.deliveries.values_list("state", flat=True)) == {State.FAILED}
    notice = StaffNotice.objects.get()
    assert (notice.kind, notice.reader, notice.context["lost"]) == ("webhook_stopped", manager, 3)
    mail = staff_mail.compose(notice=notice)
    assert f"/admin/customers/webhookendpoint/{new.endpoint.pk}/change/" in mail.body
    assert "Web shop" in mail.subject
    assert "410" in mail.body
    tell()
    assert deliver(NOON + DAY) == 0
    assert len(receiver.calls) == 1


def test_after_days_without_any_success_it_is_disabled(receiver: Receiver):
    create_user(email="owner@example.com", is_staff=True, is_superuser=True)
    new = listen(receiver)
    receiver.plan.extend([500] * 1000)
    now, ended = NOON, NOON + 5 * DAY
    while now < ended + HOUR:
        tell()
        deliver(now)
        now += 2 * HOUR
    new.endpoint.refresh_from_db()
    assert (new.endpoint.state, new.endpoint.reason) == (EndpointState.DISABLED, Reason.FAILING)
    assert new.endpoint.changed_at >= ended
    assert StaffNotice.objects.count() == 1
    assert not new.endpoint.deliveries.exclude(state=State.FAILED).exists()


def test_one_success_among_failures_keeps_it_alive(receiver: Receiver):
    new = listen(receiver)
    for hour in range(0, 6 * 24, 2):
        receiver.plan.append(200 if hour == 60 else 500)
        tell()
        deliver(NOON + hour * HOUR)
        receiver.plan.clear()
    new.endpoint.refresh_from_db()
    assert new.endpoint.state == EndpointState.ACTIVE


def test_a_pause_keeps_the_news_for_later_but_not_for_ever(receiver: Receiver):
    create_user(email="owner@example.com", is_staff=True, is_superuser=True)
    new = listen(receiver)
    webhook_endpoints.pause(endpoint=new.endpoint, now=NOON)
    tell(3)
    assert deliver() == 0
    assert WebhookDelivery.objects.filter(state=State.PENDING).count() == 3
    webhook_endpoints.resume(endpoint=new.endpoint, now=NOON + HOUR)
    assert deliver(NOON + HOUR) == 3
    webhook_endpoints.pause(endpoint=new.endpoint, now=NOON)
    with pytest.raises(WrongState):
        webhook_endpoints.pause(endpoint=new.endpoint, now=NOON)
    webhook_delivery.tidy(now=NOON + 6 * DAY)
    new.endpoint.refresh_from_db()
    assert new.endpoint.state == EndpointState.PAUSED
    webhook_delivery.tidy(now=NOON + 7 * DAY)
    new.endpoint.refresh_from_db()
    assert (new.endpoint.state, new.endpoint.reason) == (EndpointState.DISABLED, Reason.PAUSED_TOO_LONG)
    assert StaffNotice.objects.get().context["reason"] == "paused_too_long"


def test_what_failed_is_sent_again_under_the_same_name(receiver: Receiver):
    new = listen(receiver)
    receiver.plan.append(410)
    tell(3)
    deliver()
    (first,) = receiver.calls
    with pytest.raises(WrongState):
        webhook_endpoints.replay_failed(endpoint=new.endpoint.__class__.objects.get(), since=NOON - DAY, now=NOON)
    new.endpoint.refresh_from_db()
    webhook_endpoints.resume(endpoint=new.endpoint, now=NOON + HOUR)
    assert new.endpoint.starts_at == NOON + HOUR + webhooks.HEAD_START
    recorded = WebhookEvent.objects.order_by("recorded_at").first().recorded_at
    assert webhook_endpoints.replay_failed(endpoint=new.endpoint, since=recorded, now=NOON + HOUR) == 3
    assert deliver(NOON + HOUR) == 3
    assert {call.headers["webhook-id"] for call in receiver.calls} >= {first.headers["webhook-id"]}
    again = next(call for call in receiver.calls[1:] if call.headers["webhook-id"] == first.headers["webhook-id"])
    assert again.body == first.body
    one = WebhookDelivery.objects.first()
    webhook_endpoints.replay(delivery=one, now=NOON + 2 * HOUR)
    with pytest.raises(WrongState):
        webhook_endpoints.replay(delivery=one, now=NOON + 2 * HOUR)
    assert deliver(NOON + 2 * HOUR) == 1


def test_a_test_goes_to_one_endpoint_whatever_it_listens_for(receiver: Receiver):
    new, _other = listen(receiver, EventType.TIER_CHANGED), listen(receiver)
    delivery = webhook_endpoints.send_test(endpoint=new.endpoint, now=NOON)
    assert deliver() == 1
    assert receiver.calls[0].json["type"] == "endpoint.test"
    delivery.refresh_from_db()
    assert delivery.state == State.DELIVERED


def test_a_new_endpoint_hears_nothing_of_what_was_before_it(receiver: Receiver):
    listen(receiver)
    tell()
    later = webhook_endpoints.create(
        label="Later", url=receiver.url, event_types=EventType.values, by=None, now=NOON + 3650 * DAY
    )
    assert later.endpoint.starts_at == NOON + 3650 * DAY + 10 * SECOND
    webhook_delivery.spread(now=NOON)
    assert later.endpoint.deliveries.count() == 0


def test_what_is_done_goes_after_thirty_days_and_what_waits_stays(receiver: Receiver):
    new = listen(receiver)
    tell(4)
    receiver.plan.extend([200, 200, 422, 422])
    deliver()
    oldest = WebhookEvent.objects.order_by("recorded_at").first().recorded_at
    assert webhook_delivery.tidy(now=oldest + 30 * DAY) == 0
    assert webhook_delivery.tidy(now=oldest + 31 * DAY) == 2
    assert WebhookEvent.objects.count() == new.endpoint.deliveries.count() == 2
    assert set(new.endpoint.deliveries.values_list("state", flat=True)) == {State.PENDING}


def test_no_secret_address_or_body_ends_up_in_a_log(receiver: Receiver, caplog):
    caplog.set_level("DEBUG")
    new = listen(receiver)
    tell()
    receiver.plan.append(410)
    deliver()
    for text in (new.text, new.text[6:20], receiver.url, '"coupon"'):
        assert text not in caplog.text


def test_the_database_keeps_half_states_out():
    new = listen()
    event = WebhookEvent.objects.create(type=EventType.TIER_CHANGED, occurred_at=NOON)
    WebhookDelivery.objects.create(endpoint=new.endpoint, event=event, next_attempt_at=NOON)
    rows = WebhookEndpoint.objects.filter(pk=new.endpoint.pk)
    for write in (
        lambda: rows.update(state="disabled"),
        lambda: rows.update(reason="gone"),
        lambda: rows.update(lease_until=NOON),
        lambda: rows.update(previous_until=NOON),
        lambda: rows.update(starts_at=NOON - 2 * DAY),
        lambda: rows.update(url=""),
        lambda: WebhookDelivery.objects.update(state="failed"),
        lambda: WebhookDelivery.objects.create(endpoint=new.endpoint, event=event, next_attempt_at=NOON),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_the_turn_and_events_are_handed_out_once(receiver: Receiver):
    listen(receiver)
    tell(50)
    start = threading.Barrier(8)

    def work(_number: int) -> tuple[int, int]:
        try:
            start.wait(timeout=30)
            return webhook_delivery.spread(now=NOON), len(webhook_delivery.claim(now=NOON))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert sum(events for events, _turns in found) == 50
    assert WebhookDelivery.objects.count() == 50
    assert sum(turns for _events, turns in found) <= 1
    assert deliver(NOON + HOUR) == 50


@pytest.mark.django_db(transaction=True)
def test_many_workers_deliver_each_message_once(receiver: Receiver, certificates: Path, settings):
    with Receiver(certificates) as second:
        settings.WEBHOOK_INTERNAL_TARGETS = [receiver.target, second.target]
        listen(receiver)
        listen(second)
        tell(40)

        def work(_number: int) -> int:
            try:
                return deliver()
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(work, range(4))) == 80
        for one in (receiver, second):
            assert len({call.headers["webhook-id"] for call in one.calls}) == len(one.calls) == 40


def test_the_clock_rings_every_five_seconds_and_late_bells_are_dropped(receiver: Receiver, monkeypatch):
    from customers import tasks
    from loyalty_site.celery import app

    bell, names = app.conf.beat_schedule["deliver-webhooks"], [tasks.deliver_webhooks.name, tasks.tidy_webhooks.name]
    assert names == [bell["task"], app.conf.beat_schedule["tidy-webhooks"]["task"]]
    assert (bell["schedule"], bell["options"]) == (5, {"expires": 5})
    monkeypatch.setattr(webhook_delivery.deliver_due, "__kwdefaults__", {
        **webhook_delivery.deliver_due.__kwdefaults__, "ask": resolver(),
    })  # fmt: skip
    listen(receiver)
    tell()
    tasks.deliver_webhooks()
    tasks.deliver_webhooks()
    tasks.tidy_webhooks()
    assert (len(receiver.calls), only().state) == (1, State.DELIVERED)

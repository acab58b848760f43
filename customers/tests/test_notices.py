"""Mails about a customer's own account leave once, in the customer's language, or say why not."""

import datetime as dt

import pytest
from django.core import mail

from customers import notices
from customers.models import Notice
from customers.tests.factories import NOON, create_customer

pytestmark = pytest.mark.django_db
CONTEXT = {"amount": 120, "last_day": "2026-04-09"}


def queue(customer, source: str = "2026-04-09:30") -> None:
    notices.queue([notices.Letter(customer.pk, "points_expiring", source, CONTEXT)], now=NOON)


def test_a_cause_writes_once_however_often_it_is_queued_and_sent():
    alice = create_customer(email="alice@example.com")
    queue(alice)
    queue(alice)
    assert notices.send_due(now=NOON) == 1
    assert notices.send_due(now=NOON) == 0
    assert Notice.objects.get().state == "sent"
    (message,) = mail.outbox
    assert message.to == ["alice@example.com"]
    assert "120" in message.subject
    assert "Apr" in message.body
    assert "Apr" in message.alternatives[0].content


def test_a_notice_speaks_the_customers_language():
    queue(create_customer(email="li@example.com", language="zh-hans"))
    notices.send_due(now=NOON)
    assert "积分" in mail.outbox[0].subject
    assert "4月9日" in mail.outbox[0].body


def test_without_an_address_or_after_an_erasure_nothing_leaves():
    queue(create_customer())
    queue(create_customer(email="gone@example.com", erased_at=NOON))
    notices.send_due(now=NOON)
    assert mail.outbox == []
    assert set(Notice.objects.values_list("state", flat=True)) == {"skipped"}


def test_what_a_vanished_worker_was_sending_is_uncertain_and_never_sent_again():
    queue(create_customer(email="alice@example.com"))
    Notice.objects.update(state="sending", lease_until=NOON)
    assert notices.reap(now=NOON + dt.timedelta(seconds=1)) == 1
    assert notices.send_due(now=NOON + dt.timedelta(days=1)) == 0
    assert mail.outbox == []


def test_a_refused_recipient_fails_and_a_busy_server_is_asked_again(smtp_sink, settings):
    settings.MAILERS = {
        "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": smtp_sink.options}
    }
    for number, email in enumerate(["550-gone@example.com", "451-busy@example.com", "alice@example.com"]):
        queue(create_customer(email=email), source=str(number))
    assert notices.send_due(now=NOON) == 3
    assert list(Notice.objects.order_by("source").values_list("state", flat=True)) == ["failed", "queued", "sent"]
    assert len(smtp_sink.to("alice@example.com")) == 1
    waiting = Notice.objects.get(state="queued")
    assert waiting.not_before > NOON
    for attempt in range(20):
        notices.send_due(now=NOON + dt.timedelta(days=attempt + 1))
    assert Notice.objects.get(pk=waiting.pk).state == "failed"


def test_an_unreachable_server_loses_nothing(settings):
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 1},
        }
    }
    queue(create_customer(email="alice@example.com"))
    notices.send_due(now=NOON)
    assert Notice.objects.get().state == "queued"

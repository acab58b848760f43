"""The real servers under the tests do what the tests rely on."""

import smtplib
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import DatabaseError, connection

from customers.models import Store
from rewards import triggers
from rewards.models import PointTransaction
from rewards.tests.factories import award, create_customer
from surveys import frozen
from tests.servers import Postgres, Shop, SmtpSink


def test_the_cache_is_a_real_server(valkey: str) -> None:
    cache.set("greeting", "hello")
    assert cache.get("greeting") == "hello"
    assert valkey.startswith("redis://127.0.0.1:")


def test_the_cache_is_empty_in_the_next_test() -> None:
    assert cache.get("greeting") is None


@pytest.mark.django_db
def test_a_sqlite_database_is_a_real_file() -> None:
    if connection.vendor == "sqlite":
        assert Path(connection.settings_dict["NAME"]).is_file()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", [1, 2])
def test_what_a_test_commits_is_gone_in_the_next_and_the_ledger_is_guarded_again(_round: int) -> None:
    assert triggers.present(connection) == triggers.expected(connection)
    assert frozen.present(connection) == frozen.expected()
    assert not PointTransaction.objects.exists()
    assert not Permission.objects.filter(codename="left_over").exists()
    shop = ContentType.objects.get_for_model(Store)
    assert Permission.objects.filter(content_type=shop).count() == 4
    award(create_customer(), 10)
    Permission.objects.create(content_type=shop, codename="left_over")
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM rewards_pointtransaction")
    if _round == 1:
        triggers.remove(connection)
        frozen.remove(connection)


def test_a_durable_postgres_keeps_what_it_answered_when_killed() -> None:
    import psycopg

    with Postgres(durable=True) as server:
        with psycopg.connect(server.url(), autocommit=True) as database:
            assert database.execute("SHOW fsync").fetchone() == ("on",)
            database.execute("CREATE TABLE kept (n integer)")
            database.execute("INSERT INTO kept VALUES (7)")
            server.kill()
        server.start()
        with psycopg.connect(server.url()) as database:
            assert database.execute("SELECT n FROM kept").fetchall() == [(7,)]


def send(sink: SmtpSink, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=10) as client:
        client.sendmail("shop@example.com", [recipient], b"Subject: Hello\r\n\r\nA coupon for you")


def test_the_mail_sink_keeps_what_it_gets(smtp_sink: SmtpSink) -> None:
    send(smtp_sink, "alice@example.com")
    assert [message["Subject"] for message in smtp_sink.to("alice@example.com")] == ["Hello"]
    assert smtp_sink.to("bob@example.com") == []


@pytest.mark.parametrize("code", [421, 451, 550])
def test_the_mail_sink_refuses_on_demand(smtp_sink: SmtpSink, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(smtp_sink, f"{code}-away@example.com")
    assert refusal.value.recipients[f"{code}-away@example.com"][0] == code
    assert smtp_sink.messages == []


@pytest.mark.parametrize(("recipient", "kept"), [("drop@example.com", 0), ("drop-after-dot@example.com", 1)])
def test_the_mail_sink_hangs_up_on_demand(smtp_sink: SmtpSink, recipient: str, kept: int) -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(smtp_sink, recipient)
    assert len(smtp_sink.messages) == kept


def test_the_shop_answers_and_mails_nothing_by_itself(shop_server: Shop, page) -> None:
    earlier = list(shop_server.mail.messages)  # of journeys through the same shop
    answer = page.goto(f"{shop_server.url}/admin/")
    assert answer.status == 200
    assert shop_server.mail.messages == earlier
    assert shop_server.run("print(6 * 7)").strip() == "42"

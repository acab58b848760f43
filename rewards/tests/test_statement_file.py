"""The statement as a file, for its owner and for staff who say why."""

import csv
import datetime as dt
import io

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import translation

from customers.tests.factories import NOON, create_customer, create_store, create_user
from loyalty_site.roles import ensure_roles
from rewards import ledger
from rewards.models import PointTransaction
from rewards.statement import SHOWN
from rewards.statement_export import heading
from rewards.tests.factories import award

pytestmark = pytest.mark.django_db
END = dt.datetime(2027, 3, 31, 22, tzinfo=dt.UTC)  # 1 April in Berlin


@pytest.fixture
def alice():
    customer = create_customer(name="Alice", user=create_user(email="alice@example.com"))
    ledger.earn(
        customer=customer, points=100, source="purchase:7", occurred_at=NOON, store=create_store(name_en="Mitte", name_zh="米特"),
        expires_at=END, explanation={"parts": [{"name_en": "=1+1", "kind": "visit", "points": 100}]},
    )  # fmt: skip
    ledger.redeem(customer=customer, points=30, source="reward:1", occurred_at=NOON + dt.timedelta(days=1))
    ledger.adjust(
        customer=customer, points=5, source="adjust:1", occurred_at=NOON, reason="goodwill", by=create_user(), note="@SUM(A1)",
    )  # fmt: skip
    return customer


def rows_of(response) -> list[list[str]]:
    assert response.status_code == 200
    assert response.streaming
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_the_owner_downloads_what_why_from_when_and_until_when(client, alice):
    client.force_login(alice.user)
    response = client.get(reverse("statement_file"))
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Content-Disposition"].startswith('attachment; filename="statement-')
    names, *rows = rows_of(response)
    # docs/points.md: the columns keep their number and order
    assert names == [
        "No.", "Date", "What", "Why", "Points", "Moved", "Spendable from", "Valid until", "Spendable afterwards",
        "Pending afterwards", "Set aside afterwards", "To make up afterwards", "Store", "Kind", "Written down",
    ]  # fmt: skip
    assert [row[0] for row in rows] == ["3", "2", "1"]
    given, spent, bought = rows
    assert bought[1:12] == [
        "2026-03-10 13:00:00", "Purchase at Mitte", "'=1+1: 100 points", "100", "100", "2026-03-10", "2027-03-31", "100", "0", "0", "0",
    ]  # fmt: skip
    assert bought[12:14] == ["Mitte", "earn"]
    assert (spent[4], spent[8], spent[13]) == ("-30", "70", "redeem")
    assert given[3] == "'@SUM(A1)"
    assert sum(int(row[4]) for row in rows) == 75


def test_headings_and_sentences_are_in_the_readers_language(client, alice):
    client.force_login(alice.user)
    with translation.override("zh-hans"):
        words = heading()
    with translation.override("en"):
        assert words != heading()
    names, *rows = rows_of(client.get(reverse("statement_file"), headers={"accept-language": "zh-hans"}))
    assert names == words
    assert rows[-1][12:14] == ["米特", "earn"]


def test_one_kind_alone(client, alice):
    client.force_login(alice.user)
    kinds = {
        word: [row[13] for row in rows_of(client.get(reverse("statement_file"), {"show": word}))[1:]] for word in SHOWN
    }
    assert kinds == {"earned": ["earn"], "spent": ["redeem"], "expired": [], "returned": [], "other": ["adjust"]}
    assert client.get(reverse("statement_file"), {"show": "everything"}).status_code == 404
    page = client.get(reverse("statement"), {"show": "spent"})
    assert [line.sequence for line in page.context["lines"]] == [2]


def test_every_kind_of_movement_but_activations_is_of_one_kind_shown():
    named = []
    for rule in SHOWN.values():
        named += rule.get("kind__in", [rule.get("kind")])
    assert sorted(named) == sorted(set(PointTransaction.Kind.values) - {"activate"})


def test_a_long_statement_holds_every_movement_once(client, alice, monkeypatch):
    monkeypatch.setattr("rewards.statement_export.PAGE", 2)
    for _ in range(4):
        award(alice, 1)
    client.force_login(alice.user)
    assert [row[0] for row in rows_of(client.get(reverse("statement_file")))[1:]] == ["7", "6", "5", "4", "3", "2", "1"]


def staff(client, role, *, is_fresh=True):
    user = create_user(email=f"{role}@example.com", password="a-long-passphrase", is_staff=True)
    user.groups.add(ensure_roles()[role])
    client.force_login(user)
    if is_fresh:
        client.post(reverse("account_reauthenticate"), {"password": "a-long-passphrase"})
    return user


@pytest.mark.parametrize(("role", "status"), [("cashier", 403), ("marketer", 403), ("auditor", 403), ("manager", 200)])
def test_only_who_may_export_sees_the_page(client, alice, role, status):
    staff(client, role)
    url = reverse("admin:customers_customer_export_statement", args=[alice.pk])
    assert client.get(url).status_code == status
    assert client.post(url, {"reason": "asked for it"}).status_code == status


def test_a_manager_says_why_and_every_row_says_who(client, alice):
    user = staff(client, "manager")
    url = reverse("admin:customers_customer_export_statement", args=[alice.pk])
    assert reverse("admin:customers_customer_change", args=[alice.pk]) in client.get(url).content.decode()
    refused = client.post(url, {"reason": ""})
    assert not refused.streaming
    assert LogEntry.objects.count() == 0
    names, *rows = rows_of(client.post(url, {"reason": "She asked for it"}))
    assert names[-1] == "Exported by"
    assert len(rows) == 3
    assert all(row[-1].startswith("manager@example.com, ") for row in rows)
    entry = LogEntry.objects.get(user=user)
    assert (entry.object_id, entry.change_message) == (str(alice.pk), "Statement exported: She asked for it")


def test_who_logged_in_a_while_ago_proves_it_again(client, alice):
    staff(client, "manager", is_fresh=False)
    url = reverse("admin:customers_customer_export_statement", args=[alice.pk])
    for answer in (client.get(url), client.post(url, {"reason": "x"})):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert LogEntry.objects.count() == 0


def test_the_button_is_on_the_customers_record_for_managers_alone(client, alice):
    change = reverse("admin:customers_customer_change", args=[alice.pk])
    staff(client, "manager")
    assert 'value="export_statement"' in client.get(change).content.decode()
    staff(client, "cashier")
    assert 'value="export_statement"' not in client.get(change).content.decode()

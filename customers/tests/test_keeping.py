"""The office chooses how long things are kept, within bounds; the night and every page go by it."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import exports, keeping, retention
from customers.import_jobs import folder
from customers.models import AuditEvent, DataExport, KeepingPeriod
from customers.tests.factories import create_customer, create_user
from loyalty_site.roles import ensure_roles

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
PAGE = reverse("admin:customers_erasure_keeping")
NAMES = {
    "inactive", "exports", "imports", "webhooks", "admin_log", "audit", "contacts", "mail_reports", "answers_link",
}  # fmt: skip


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(create_user(email="owner@shop.example", is_staff=True, is_superuser=True))
    return client


def form(**changed: object) -> dict[str, object]:
    """Return what the page's form sends."""
    days = {name: "" if days is None else days for name, days in keeping.chosen().items()}
    return {"periods": "1", **days, **changed}


def choose(name: str, days: int | None) -> None:
    keeping.choose(name=name, days=days, by=None, now=timezone.now())


def test_every_period_has_a_line_with_a_sentence_of_what_happens():
    assert set(keeping.chosen()) == NAMES <= {line.name for line in retention.table()}
    assert all(str(keeping.period(name).then).endswith(".") for name in NAMES)
    assert all(keeping.period(name).holds(days) for name, days in keeping.chosen().items())


def test_the_page_saves_what_changed_and_writes_it_down(office):
    assert office.post(PAGE, form(exports="3", inactive="400")).status_code == 302
    assert (keeping.kept("exports"), keeping.kept("inactive")) == (3 * DAY, 400 * DAY)
    assert set(KeepingPeriod.objects.values_list("name", flat=True)) == {"exports", "inactive"}
    events = AuditEvent.objects.filter(action="period").order_by("reference")
    assert [(one.reference, one.changes) for one in events] == [
        ("exports", {"before": 7, "after": 3}), ("inactive", {"before": None, "after": 400}),
    ]  # fmt: skip
    assert office.post(PAGE, form(inactive="")).status_code == 302
    assert keeping.kept("inactive") is None


@pytest.mark.parametrize(("name", "days"), [
    ("exports", "31"), ("exports", "0"), ("exports", ""), ("audit", "729"), ("inactive", "179"), ("contacts", "-1"), ("imports", "many"),
])  # fmt: skip
def test_beyond_the_bounds_nothing_is_saved(office, name, days):
    answer = office.post(PAGE, form(**{name: days, "webhooks": "9"}))
    assert answer.status_code == 200
    assert 'class="errorlist"' in answer.text
    assert not KeepingPeriod.objects.exists()
    if days.lstrip("-").isdigit():
        with pytest.raises(keeping.OutOfBounds):
            choose(name, int(days))


def test_the_page_is_readable_in_chinese(office):
    page = office.get(PAGE, headers={"accept-language": "zh-hans"}).text
    assert "或留空" in page
    assert "without end" not in page


def test_an_auditor_reads_and_changes_nothing(client):
    ensure_roles()
    auditor = create_user(email="auditor@shop.example", is_staff=True)
    auditor.groups.add(Group.objects.get(name="auditor"))
    client.force_login(auditor)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert 'name="exports"' not in page.text
    assert client.post(PAGE, form(exports="3")).status_code == 403
    assert not KeepingPeriod.objects.exists()


def test_an_export_ends_with_the_period_of_its_day():
    choose("exports", 2)
    now, alice = timezone.now(), create_customer(name="Alice")
    row = exports.ask(customer=alice, now=now, place=AuditEvent.Place.PORTAL)
    assert row.expires_at == now + 2 * DAY
    retention.apply_all(now=now + 2 * DAY)
    assert DataExport.objects.get().state == "gone"


def test_a_shorter_period_takes_more_the_next_night(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    (folder() / "t.csv").write_text("name\nBob\n")
    later = timezone.now() + 6 * DAY
    assert retention.apply_all(now=later)["imports"] == 0
    choose("imports", 5)
    assert {line.name: line.due(later) for line in retention.table()}["imports"] == 1
    assert retention.apply_all(now=later)["imports"] == 1
    assert not list(folder().iterdir())


def test_customers_read_the_period_that_holds(client):
    alice = create_customer(name="Alice", user=create_user(email="alice@mail.example"))
    client.force_login(alice.user)
    assert "7 days: long enough to fetch them" in client.get(reverse("privacy")).text
    choose("exports", 3)
    choose("contacts", 1000)
    page = client.get(reverse("privacy")).text
    assert "3 days: long enough to fetch them" in page
    assert "1000 days: so that you need not tell it twice" in page


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "x", "days": 0}])
def test_the_database_refuses_what_is_no_period(fields):
    with pytest.raises(IntegrityError):
        KeepingPeriod.objects.create(changed_at=timezone.now(), **fields)

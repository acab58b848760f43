"""Staff export, erase and merge on the customer's record; roles that may not are refused."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import tasks
from customers.models import AuditEvent, Customer, CustomerMerge, DataExport, MailedCode
from customers.tests.factories import create_customer, create_user
from loyalty_site.roles import ensure_roles

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(create_user(email="owner@shop.example", is_staff=True, is_superuser=True))
    return client


def page(name: str, customer: Customer) -> str:
    return reverse(f"admin:customers_customer_{name}", args=[customer.pk])


def test_likely_duplicates_lead_to_a_preview_a_merge_and_its_undo(office):
    day = timezone.localdate().replace(year=1990, month=1, day=2)
    kept, other = (create_customer(name="Li Wei", birthday=day, member_number=number) for number in ("KEPT", "OTHER"))
    listed = office.get(reverse("admin:customers_customermerge_likely")).content.decode()
    assert f"{page('merge_with', kept)}?duplicate=OTHER" in listed
    shown = office.get(page("merge_with", kept), {"duplicate": "OTHER"}).content.decode()
    assert "Spendable points" in shown
    assert not CustomerMerge.objects.exists()
    office.post(page("merge_with", kept), {"duplicate": "OTHER", "_merge": "Merge"})
    row = CustomerMerge.objects.get()
    assert Customer.objects.get(pk=other.pk).merged_into == kept
    record = reverse("admin:customers_customermerge_change", args=[row.pk])
    office.post(record, {"action": "undo", "_action": "1", "_selected_action": row.pk, "index": 0})
    assert office.get(record).status_code == 200


def test_an_erasure_asks_for_the_member_number(office):
    customer = create_customer(name="Alice", member_number="M-1")
    assert office.get(page("erase_data", customer)).status_code == 200
    office.post(page("erase_data", customer), {"member_number": "M-2"})
    assert Customer.objects.get(pk=customer.pk).erased_at is None
    office.post(page("erase_data", customer), {"member_number": "M-1"})
    assert Customer.objects.get(pk=customer.pk).erased_at
    assert AuditEvent.objects.get(action="erased").place == "admin"


def test_an_export_has_a_reason_and_is_written_down(office):
    customer = create_customer(name="Alice", member_number="M-1")
    office.post(page("export_data", customer), {"reason": "authority"})
    row = DataExport.objects.get()
    assert (row.state, row.reason) == ("ready", "authority")
    file = office.get(reverse("admin:customers_dataexport_file", args=[row.pk]))
    assert b"".join(file.streaming_content).startswith(b"PK")
    actions = AuditEvent.objects.filter(customer=customer).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["exported", "downloaded"]


def test_staff_without_the_right_are_refused(client):
    client.force_login(create_user(email="clerk@shop.example", is_staff=True))
    customer = create_customer(name="Alice")
    for name in ("export_data", "erase_data", "merge_with"):
        assert client.get(page(name, customer)).status_code == 403
    assert client.get(reverse("admin:customers_customermerge_likely")).status_code == 403


class TestKeeping:
    """The page of what is kept how long."""

    URL = "/admin/customers/erasure/keeping/"

    def test_it_says_what_goes_next_and_what_went_last(self, office):
        page = office.get(self.URL).text
        assert "It has not run yet." in page
        assert "the log of the office pages" in page.lower()
        before = timezone.now() - dt.timedelta(days=2)
        MailedCode.objects.create(
            customer=create_customer(), digest="x", sent_at=before, expires_at=before + dt.timedelta(minutes=5)
        )
        due = {row["line"].name: row["due"] for row in office.get(self.URL).context["lines"]}
        assert due["codes"] == 1
        answer = office.post(self.URL, follow=True)
        assert "1 row or file is gone." in answer.text
        assert not MailedCode.objects.exists()
        event = AuditEvent.objects.get(action="kept_no_longer")
        assert (event.place, event.changes["codes"]) == ("admin", 1)
        assert "Last run" in answer.text

    def test_the_night_writes_it_down_too(self, office):
        tasks.keep_no_longer()
        assert AuditEvent.objects.get(action="kept_no_longer").place == "command"
        assert "It has not run yet." not in office.get(self.URL).text

    def test_whoever_only_reads_starts_nothing(self, client):
        user = create_user(is_staff=True)
        user.groups.add(ensure_roles()["auditor"])
        client.force_login(user)
        assert "Take away now" not in client.get(self.URL).text
        assert client.post(self.URL).status_code == 403
        user.groups.set([ensure_roles()["cashier"]])
        assert client.get(self.URL).status_code == 403

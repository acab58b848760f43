"""Customers from a file: enrolled, completed, never overwritten."""

import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command

from customers import imports
from customers.models import Consent, Customer, Identifier
from customers.tests.factories import create_customer

NOW = dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC)
HEADER = "member_number,name,email,phone,language,birthday,enrolled_on,email_consent\n"
ALICE = "A1,Alice,alice@example.com,+49 30 1234567,zh-hans,1990-02-28,2025-01-15,yes\n"

pytestmark = pytest.mark.django_db


def take(text: str, *, is_dry_run: bool = False):
    return imports.import_customers(
        file=io.BytesIO((HEADER + text).encode()), source="import:test", is_dry_run=is_dry_run, now=NOW
    )


def faults(report) -> list[tuple[int, str]]:
    return [(fault.line, fault.field) for fault in report.faults()]


def test_a_new_customer_is_enrolled_with_contacts_and_consent():
    report = take(ALICE)
    alice = Customer.objects.get()
    assert (alice.member_number, alice.name, alice.language, alice.birthday) == (
        "A1",
        "Alice",
        "zh-hans",
        dt.date(1990, 2, 28),
    )
    assert alice.enrolled_at == dt.datetime(2025, 1, 14, 23, tzinfo=dt.UTC)  # midnight in Berlin
    assert set(alice.identifiers.values_list("kind", "normalised")) == {
        ("email", "alice@example.com"),
        ("phone", "+49301234567"),
    }
    assert set(alice.consents.values_list("purpose", "is_granted", "source")) == {
        ("marketing", True, "import:test"),
        ("surveys", True, "import:test"),
    }
    assert report.counts["new"] == 1
    assert faults(report) == []


def test_a_second_run_changes_nothing():
    take(ALICE)
    before = [list(model.objects.values_list()) for model in (Customer, Identifier, Consent)]
    report = take(ALICE)
    assert [list(model.objects.values_list()) for model in (Customer, Identifier, Consent)] == before
    assert (report.counts["new"], report.counts["completed"], report.counts["unchanged"]) == (0, 0, 1)


def test_a_dry_run_counts_the_same_and_writes_nothing():
    report = take(ALICE + "A2,Bob,,,,,,\nA3,,not an address,,,,,\n", is_dry_run=True)
    assert (report.counts["new"], faults(report)) == (2, [(4, "email")])
    assert not Customer.objects.exists()


def test_what_the_portal_knows_is_completed_and_never_overwritten():
    alice = create_customer(name="Alice Smith", member_number="A1", email="new@example.com")
    report = take(ALICE)
    alice.refresh_from_db()
    assert (alice.name, alice.language) == ("Alice Smith", "zh-hans")
    assert set(alice.identifiers.values_list("kind", "value")) == {
        ("email", "new@example.com"),
        ("phone", "+49 30 1234567"),
    }
    assert report.counts["completed"] == 1


def test_an_address_belongs_to_one_customer_in_the_portal_and_in_the_file():
    create_customer(name="Bob", email="alice@example.com")
    report = take(ALICE + "A2,Carol,carol@example.com,,,,,\nA3,Dave,CAROL@example.com,,,,,\nA2,Carol again,,,,,,\n")
    assert faults(report) == [(2, "email"), (4, "email"), (5, "member_number")]
    assert set(Customer.objects.values_list("name", flat=True)) == {"Bob", "Carol"}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (",Nobody,,,,,,", "member_number"),
        ("M" * 33 + ",,,,,,,", "member_number"),
        ("A1," + "n" * 151 + ",,,,,,", "name"),
        ("A1,,alice@,,,,,", "email"),
        ("A1,,,1,,,,", "phone"),
        ("A1,,,０３０１２３４５６７,,,,", "phone"),
        ("A1,,,,de,,,", "language"),
        ("A1,,,,,1990-02-30,,", "birthday"),
        ("A1,,,,,2030-01-01,,", "birthday"),
        ("A1,,,,,,01.02.2025,", "enrolled_on"),
        ("A1,,,,,,,maybe", "email_consent"),
        ("A1,too,few", ""),
    ],
)
def test_a_bad_row_is_reported_by_line_and_field_and_the_next_one_kept(row, field):
    report = take(row + "\nB1,Bob,,,,,,\n")
    assert faults(report) == [(2, field)]
    assert list(Customer.objects.values_list("name", flat=True)) == ["Bob"]


def test_an_erased_member_is_not_brought_back():
    create_customer(name="", member_number="A1", erased_at=NOW)
    assert faults(take(ALICE)) == [(2, "member_number")]


def test_the_command_lists_bad_lines_on_screen_and_in_a_file(tmp_path, capsys):
    file = tmp_path / "customers.csv"
    file.write_text(HEADER + ALICE + "=1+1,Bob,=cmd(),,,,,\n", encoding="utf-8")
    call_command("import_customers", str(file))
    assert "line 3: email: “=cmd()” is not an e-mail address." in capsys.readouterr().out
    assert (tmp_path / "customers.csv.errors.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "line,field,reason",
        "3,email,“=cmd()” is not an e-mail address.",
    ]


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", HEADER + "broken\n", "PK\x03\x04"])
def test_the_command_fails_when_nothing_could_be_read(tmp_path, content):
    file = tmp_path / "customers.csv"
    file.write_text(content)
    with pytest.raises(CommandError):
        call_command("import_customers", str(file))


def test_thousands_take_a_bounded_number_of_queries(django_assert_max_num_queries):
    rows = "".join(f"N{n},Name {n},n{n}@example.com,,en,,,no\n" for n in range(2000))
    with django_assert_max_num_queries(14):
        assert take(rows).counts["new"] == 2000

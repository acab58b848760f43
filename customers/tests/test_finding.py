"""A cashier finds whoever stands at the till, sees little of the name, and nobody tries numbers one after the other."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import finding, limits, member_codes
from customers.enrolment import enrol, new_member_number
from customers.finding import MatchedBy, SearchStopped, find, shorten
from customers.models import Customer, Identifier, User
from customers.tests.factories import NOON, create_customer, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def cashier() -> User:
    """Somebody at a till."""
    return create_user(is_staff=True)


@pytest.fixture
def alice() -> Customer:
    """Alice, among others."""
    create_customer(name="Bob Morgan", email="bob@x.example", phone="+49301234568", member_number="M778")
    return enrol(
        name="Alice McDonald", email="Alice@x.example", phone="030 1234567", card="2048116700042", member_number="M777",
        source="test", now=NOON,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("term", "matched_by"),
    [
        ("M777", MatchedBy.MEMBER_NUMBER),
        (" m777 ", MatchedBy.MEMBER_NUMBER),
        ("Ｍ７７７", MatchedBy.MEMBER_NUMBER),
        ("ALICE@x.example", MatchedBy.EMAIL),
        ("+49 30 1234567", MatchedBy.PHONE),
        ("030 1234567", MatchedBy.PHONE),
        ("0049 30 123 45 67", MatchedBy.PHONE),
        ("2048116700042", MatchedBy.CARD),
        ("Alice", MatchedBy.NAME),
        ("aLiCe mCd", MatchedBy.NAME),
        ("ALICE  MCDONALD", MatchedBy.NAME),
    ],
)
def test_alice_is_found_by_what_she_says_or_shows(alice, cashier, term, matched_by):
    (found,) = find(term=term, by=cashier)
    assert (found.customer, found.shown_name, found.matched_by) == (alice, "Alice M.", matched_by)


def test_the_code_on_the_phone_finds_its_owner_fresh_or_old_and_is_not_used_up(alice, cashier):
    code = member_codes.make(customer=alice, now=NOON)
    for _n in range(2):
        assert [(it.customer, it.matched_by) for it in find(term=code, by=cashier)] == [(alice, MatchedBy.FRESH_CODE)]
    old = member_codes.make(customer=alice, now=NOON - dt.timedelta(days=2))
    assert find(term=old, by=cashier)[0].customer == alice
    changed = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert find(term=changed, by=cashier) == []


@pytest.mark.parametrize("term", ["王", "王小", "王小明"])
def test_chinese_names_are_found_by_their_beginning(cashier, term):
    wang = create_customer(name="王小明")
    create_customer(name="李小龙")
    (found,) = find(term=term, by=cashier)
    assert (found.customer, found.shown_name) == (wang, "王*明")


@pytest.mark.parametrize(
    "term", ["", " ", "\x00", "a", "%", "_%", "morgan", "M77", "alice@", "+49 30 123", "1", "x" * 5000]
)
def test_nobody_is_found_by_less_than_a_value_or_the_beginning_of_a_name(alice, cashier, term):
    assert find(term=term, by=cashier) == []


def test_who_was_erased_or_merged_is_not_found(alice, cashier):
    code = member_codes.make(customer=alice, now=NOON)
    Customer.objects.filter(pk=alice.pk).update(erased_at=NOON)
    for term in ("M777", "alice@x.example", "Alice", code):
        assert find(term=term, by=cashier) == []


def test_a_renamed_customer_is_found_by_the_new_name(alice, cashier):
    alice.name = "Ａda Lovelace"
    alice.save(update_fields=["name"])
    assert find(term="ada l", by=cashier)[0].customer == alice
    assert find(term="alice", by=cashier) == []


def test_at_most_so_many_are_shown_in_a_stable_order(cashier):
    for number in range(12):
        create_customer(name=f"Ann {number:02}")
    assert [found.customer.name for found in find(term="ann", by=cashier, most=12)] == [
        f"Ann {n:02}" for n in range(12)
    ]
    assert len(find(term="ann", by=cashier)) == finding.MOST


@pytest.mark.parametrize("term", ["M777", "alice@x.example", "030 1234567", "Ali", "nobody"])
def test_the_number_of_queries_does_not_grow(alice, cashier, term):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            find(term=term, by=cashier)
        return len(counted)

    few = queries()
    for number in range(30):
        create_customer(name=f"Alice {number}", phone=f"+4930999{number:04}")
    assert queries() == few <= 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Alice Morgan", "Alice M."),
        ("Alice van der Berg", "Alice B."),
        ("Alice", "Alice"),
        ("王小明", "王*明"),
        ("王明", "王*"),
        ("欧阳小明", "欧**明"),
        ("王", "王"),
        ("", "no name"),
    ],
)
def test_little_of_a_name_is_shown(name, shown):
    assert shorten(name) == shown


def test_of_10000_numbers_in_sequence_at_most_20_are_looked_up_and_no_name_is_shown(cashier):
    for _n in range(500):
        Customer.objects.create(member_number=new_member_number(), name="Alice Morgan", enrolled_at=NOON)
    found, stopped = [], 0
    for number in range(1_000_000_000, 1_000_010_000):
        try:
            found += find(term=str(number), by=cashier)
        except SearchStopped:
            stopped += 1
    assert (found, stopped) == ([], 9_980)


def test_a_stopped_search_shows_no_hit_either_and_the_next_till_goes_on(alice, cashier):
    for number in range(20):
        find(term=f"X{number}", by=cashier)
    with pytest.raises(SearchStopped, match="Too many searches") as stopped:
        find(term="M777", by=cashier)
    assert 290 <= stopped.value.seconds <= 300
    assert find(term="M777", by=create_user(is_staff=True))


def test_running_numbers_that_all_exist_are_not_read_out_either(cashier):
    Customer.objects.bulk_create(Customer(member_number=f"C{n:04}", name=f"Name {n}") for n in range(400))
    shown = sum(len(find(term=f"C{number:04}", by=cashier)) for number in range(finding.SEARCHES))
    assert shown == finding.SEARCHES == 150
    for number in range(150, 400):
        with pytest.raises(SearchStopped):
            find(term=f"C{number:04}", by=cashier)


def test_the_counter_does_not_stand_in_the_way_of_selling(alice, cashier, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    limits.reconnect()
    try:
        assert find(term="M777", by=cashier)[0].customer == alice
    finally:
        limits.reconnect()


def test_each_way_goes_through_an_index():
    ways = {
        "customers_customer_member_number": Customer.objects.filter(member_number__in={"M1", "m1"}),
        "identifier_": Identifier.objects.filter(normalised__in={"a", "b"}),
        "customer_name_begins": Customer.objects.filter(finding.named("Al")),
    }
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # on a handful of rows reading them all is cheaper
    for index, rows in ways.items():
        plan = rows.values("pk").explain()
        assert index in plan or "sqlite_autoindex" in plan
        assert "SCAN" not in plan.upper().replace("INDEX ONLY SCAN", "").replace("INDEX SCAN", "").replace(
            "HEAP SCAN", ""
        )

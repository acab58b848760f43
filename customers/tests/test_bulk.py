"""Rows written in sets look like rows of the ORM."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from customers import bulk
from customers.models import Customer, ImportJob, Store
from customers.tests.factories import create_customer, create_store, create_user

AT = dt.datetime(2026, 3, 10, 12, 30, 15, 250, tzinfo=dt.UTC)
COLUMNS = (
    "id",
    "member_number",
    "name",
    "language",
    "time_zone",
    "birthday",
    "is_personalised",
    "enrolled_at",
    "recorded_at",
)

pytestmark = pytest.mark.django_db


def row(pk: int, number: str, *, name: str = "Alice", at: dt.datetime = AT) -> tuple:
    return (pk, number, name, "", "", dt.date(1990, 2, 28), True, at, at)


def raw(pk: int) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CAST(enrolled_at AS TEXT), CAST(birthday AS TEXT) FROM customers_customer WHERE id = %s", [pk]
        )
        return cursor.fetchone()


def test_what_is_copied_in_reads_as_it_was_and_is_stored_as_the_orm_stores_it():
    first, second = bulk.reserve_ids(Customer, 2)
    elsewhere = AT.astimezone(dt.timezone(dt.timedelta(hours=8)))
    awkward = 'tab\t, back\\slash, "quote", \\N, 绿茶'
    bulk.copy_in(Customer, COLUMNS, [row(first, "B1", name=awkward), row(second, "B2", at=elsewhere)])
    assert list(Customer.objects.order_by("pk").values_list("pk", "name", "enrolled_at", "birthday")) == [
        (first, awkward, AT, dt.date(1990, 2, 28)),
        (second, "Alice", AT, dt.date(1990, 2, 28)),
    ]
    usual = create_customer(enrolled_at=AT, birthday=dt.date(1990, 2, 28))
    assert usual.pk > second
    assert raw(first) == raw(second) == raw(usual.pk)


def test_constraints_have_the_last_word():
    create_customer(member_number="B1")
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.copy_in(Customer, COLUMNS, [row(pk, "B1") for pk in bulk.reserve_ids(Customer, 1)])


def test_nothing_to_write_is_nothing_written():
    assert bulk.reserve_ids(Customer, 0) == []
    bulk.copy_in(Customer, COLUMNS, [])
    bulk.update_rows(Customer, ("name",), [])
    assert not Customer.objects.exists()


def test_rows_are_changed_by_key_and_others_are_left_alone():
    alice, bob, carol = (create_customer(name=name) for name in ("Alice", "Bob", "Carol"))
    bulk.update_rows(
        Customer, ("name", "birthday", "enrolled_at"), [(alice.pk, "Ann", None, AT), (bob.pk, "Rob", AT.date(), AT)]
    )
    assert list(Customer.objects.order_by("pk").values_list("name", "birthday")) == [
        ("Ann", None),
        ("Rob", AT.date()),
        ("Carol", None),
    ]
    assert set(Customer.objects.exclude(pk=carol.pk).values_list("enrolled_at", flat=True)) == {AT}


def test_whole_numbers_json_and_none_come_back():
    by, store = create_user(), create_store()
    columns = (
        "kind", "name", "token", "size", "state", "steps_done", "steps", "counts", "bad_lines", "reason", "language",
        "attempts", "claimed_at", "created_at", "finished_at", "by_id",
    )  # fmt: skip
    values = ("purchases", "绿.csv", "t", 2**40, "done", 1, 2, {"绿": [1, None]}, 0, "", "en", 0, None, AT, None, by.pk)
    bulk.copy_in(ImportJob, columns, [values])
    job = ImportJob.objects.get()
    assert (job.counts, job.size, job.claimed_at, job.created_at) == ({"绿": [1, None]}, 2**40, None, AT)
    bulk.update_rows(Store, ("pending_days", "is_active"), [(store.pk, 7, False)])
    store.refresh_from_db()
    assert (store.pending_days, store.is_active) == (7, False)


def test_what_large_sets_need_is_taken_back():
    def setting() -> object:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size" if connection.vendor == "sqlite" else "SHOW statement_timeout")
            return cursor.fetchone()[0]

    usual = setting()
    with bulk.large_sets():
        assert setting() != usual
    assert setting() == usual


def test_tables_are_counted_anew_where_the_database_would_plan_by_the_old_count():
    for code in ("a", "b", "c"):
        create_store(code=code)
    bulk.refresh_statistics(Store)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'customers_store'::regclass")
            assert cursor.fetchone() == (3,)
        else:  # which plans by its indexes alone as long as nobody counts
            assert "sqlite_stat1" not in connection.introspection.table_names(cursor, include_views=True)

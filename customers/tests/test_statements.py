"""Several statements in one message, and rows that are written in few or in many."""

import datetime as dt
import gc

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from customers import bulk, statements
from customers.bulk import Insert, Update
from customers.models import Category, Customer, Store
from customers.statements import Question, Statement
from customers.tests.factories import create_customer, create_store

pytestmark = pytest.mark.django_db
NAMES = ("code", "name_en", "name_zh", "is_sensitive")


def insert(*codes: str) -> Insert:
    return Insert(Category, NAMES, [(code, "100 % wool", "", False) for code in codes])


def test_each_statement_gives_its_rows_and_sees_what_those_before_it_did():
    found = statements.run(
        Statement("SELECT code FROM customers_category"),
        *bulk_plain(insert("wool")),
        Statement("SELECT code, name_en FROM customers_category WHERE code = %s", ["wool"]),
    )
    assert found == [[], [], [("wool", "100 % wool")]]


def bulk_plain(each: Insert) -> list[Statement]:
    return [Statement(bulk.claim(each, unique=("code",)).sql.partition(" RETURNING")[0], each.rows[0])]


def test_nothing_to_say_is_said_to_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert statements.run() == []
        bulk.write([insert()])


def test_a_few_rows_of_several_tables_are_one_message_on_postgresql(django_assert_num_queries):
    store = create_store()
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 2):
        bulk.write([insert("wool", "silk"), Update(Store, ("name_en",), [(store.pk, "Harbour")])])
    store.refresh_from_db()
    assert (Category.objects.count(), store.name_en) == (2, "Harbour")


@pytest.mark.parametrize("count", [bulk.FEW, bulk.FEW + 1])
def test_few_and_many_rows_are_written_alike(count: int):
    codes = [f"c{number}" for number in range(count)]
    bulk.write([insert(*codes)])
    keys = sorted(Category.objects.values_list("pk", flat=True))
    bulk.write([Update(Category, ("name_en", "is_sensitive"), [(pk, f"name {pk}", True) for pk in keys])])
    assert sorted(Category.objects.values_list("pk", "name_en", "is_sensitive")) == [
        (pk, f"name {pk}", True) for pk in keys
    ]
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.write([insert(*codes)])


def test_a_claim_gives_the_key_once():
    claim = bulk.claim(insert("wool"), unique=("code",))
    ((first,), second) = statements.run(claim, claim)
    assert (first[0], second) == (Category.objects.get().pk, [])


def test_a_question_gives_the_models_that_the_orm_gives():
    alice, bob = create_customer(name="Alice", birthday=dt.date(1990, 2, 3)), create_customer(name="Bob")
    question = Question(Customer.objects.filter(member_number=""))
    found = statements.run(question.asking(alice.member_number), question.asking(bob.member_number))
    for customer, rows in zip((alice, bob), found, strict=True):
        (model,) = question.models(rows)
        stored = Customer.objects.get(pk=customer.pk)
        names = [field.attname for field in Customer._meta.concrete_fields]
        assert [getattr(model, name) for name in names] == [getattr(stored, name) for name in names]


def test_moments_come_back_with_their_zone():
    create_store()
    moment = dt.datetime(2026, 3, 10, 12, 30, tzinfo=dt.UTC)
    customer = create_customer(enrolled_at=moment)
    asked = Statement(
        "SELECT enrolled_at FROM customers_customer WHERE id = %s AND enrolled_at = %s",
        [customer.pk, statements.stored(moment)],
    )
    ((found,),) = statements.run(asked)
    assert statements.moment(found[0]) == moment
    assert statements.moment(None) is None


def test_many_values_in_one_message_are_written_as_they_are():
    codes = [f"c{number}" for number in range(statements.MOST_KEPT)]
    bulk.write([insert(*codes[:12]), insert(*codes[12:24])])
    assert set(Category.objects.values_list("name_en", flat=True)) == {"100 % wool"}


@pytest.mark.django_db(transaction=True)
class TestTheFirstMessageOfATransaction:
    def test_begins_it_so_that_all_of_it_can_be_undone(self):
        with transaction.atomic():
            statements.run(*bulk_plain(insert("wool")))
            statements.run(*bulk_plain(insert("silk")))
            transaction.set_rollback(True)
        assert not Category.objects.exists()
        with transaction.atomic():
            found, *_rest = statements.run(Statement("SELECT 7"), *bulk_plain(insert("wool")))
        assert (found, Category.objects.count()) == ([(7,)], 1)

    def test_begins_nothing_when_it_cannot_be_read_and_what_follows_can_be_undone_all_the_same(self):
        with transaction.atomic():
            with pytest.raises(DatabaseError):
                statements.run(Statement("SELEC 7"))
            Category.objects.create(code="wool", name_en="Wool")
            transaction.set_rollback(True)
        assert not Category.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestWhatARequestAsksFirst:
    def test_is_asked_again_when_the_server_has_hung_up(self):
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no server")
        connection.ensure_connection()
        connection.connection.close()
        assert statements.ask_first(Statement("SELECT 7")) == [(7,)]

    def test_is_the_only_check_of_a_kept_connection(self, django_assert_num_queries):
        connection.ensure_connection()
        connection.health_check_enabled, connection.health_check_done = True, False
        with django_assert_num_queries(1):
            statements.ask_first(Statement("SELECT 7"))
        assert connection.health_check_done

    def test_is_asked_once_when_the_server_is_there(self):
        with CaptureQueriesContext(connection) as asked, pytest.raises(DatabaseError):
            statements.ask_first(Statement("SELECT * FROM nowhere"))
        assert len(asked) == 1


def test_changes_of_many_rows_write_every_kind_of_value_as_it_is():
    names, moment = ['5" \\ 3, {x}', "NULL", "", "海港 %s"], dt.datetime(2026, 3, 10, 12, 30, 0, 5, tzinfo=dt.UTC)
    rows = [
        (create_customer().pk, names[place % 4], None if place % 2 else moment.date(), moment, place % 3 == 0)
        for place in range(bulk.FEW + 1)
    ]
    columns = ("name", "birthday", "enrolled_at", "is_personalised")
    bulk.write([Update(Customer, columns, rows)])
    assert list(Customer.objects.order_by("pk").values_list("pk", *columns)) == rows


def test_the_collector_rests_for_one_set_and_not_longer():
    with bulk.uncollected():
        with bulk.uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()

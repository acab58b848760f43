"""An erased customer is found nowhere: no table, no file, no log, no mail. The books still balance, and a restore brings nobody back."""

import datetime as dt
import json
import logging

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from customers import accounts, consents, enrolment, erasure
from customers.enrolment import Word
from customers.models import ApiKey, ApiRequest, AuditEvent, Customer, Erasure, Identifier, ImportJob, User
from customers.models.import_job import folder
from customers.tests.factories import create_store, create_user
from loyalty_site import mailbox
from rewards import adjustments, catalogue, checkout, holds, ledger, proof, stored_value
from rewards.models import Coupon, PointBalance, PointTransaction, StampBalance, ValueAccount
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import issue_coupon
from rewards.tests.factories import create_rule
from rewards.tests.reward_factories import create_reward
from rewards.tests.stamp_factories import create_card, create_coffee
from rewards.tests.value_factories import give_credit, sell_card
from surveys import audience, cases, suppression
from surveys.models import ContactLogEntry, Invitation, Message, Suppression
from surveys.tests.factories import create_run
from tests.canaries import EMAIL, NAME, NUMBER, PHONE, WORDS, mentions

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def live(*, now: dt.datetime) -> Customer:
    """Let somebody live through everything the portal knows, and leave their name wherever a name can be left."""
    store, by = create_store(), create_user(email="manager@shop.example", is_staff=True, is_superuser=True)
    create_rule()
    create_card()
    customer = enrolment.enrol(
        name=NAME, email=EMAIL, phone=PHONE, member_number=NUMBER, birthday=dt.date(1980, 2, 3), home_store=store,
        words=[Word("email", "marketing", is_granted=True, wording="till:1"), Word("email", "surveys", is_granted=True)],
        source="till", now=now, by=by,
    )  # fmt: skip
    user = accounts.ensure_user(email=EMAIL)
    customer.refresh_from_db()
    session = SessionStore()
    session["_auth_user_id"], session["said"] = str(user.pk), EMAIL
    session.create()
    purchase = checkout.record_purchase(
        store=store, reference="R-1", customer=customer, occurred_at=now, lines=[SoldLine(create_coffee(), 3, 5_000)]
    )
    adjustments.adjust(
        customer=customer, points=40, reason="goodwill", note=f"For you, {NAME}", staff_note="called Wilhelmina",
        key="6f1c1a52-2f5e-4a57-8f0e-a6f1f2b0a111", by=by, now=now,
    )  # fmt: skip
    ledger.earn(customer=customer, points=30, source="later", occurred_at=now, activates_at=now + 5 * DAY)
    holds.place(customer=customer, points=10, source="hold", occurred_at=now, expires_at=now + DAY)
    catalogue.redeem_reward(
        reward=create_reward(points_cost=20), customer=customer, key="6f1c1a52-2f5e-4a57-8f0e-a6f1f2b0a112", now=now
    )
    issue_coupon(customer=customer, now=now)
    give_credit(customer, at=now)
    account = sell_card(customer=customer, at=now)
    stored_value.top_up(
        account=account, amount=100, source="note", occurred_at=now, note="from Wilhelmina"
    )  # fmt: skip
    run = create_run(now=now, prepared=False)
    audience.prepare(run=run, now=now)
    case = cases.open_case(customer=customer, subject=f"{NAME} is unhappy", now=now, owner=by)
    case.cause = "Wilhelmina waited"
    case.save()
    ContactLogEntry.objects.create(
        customer=customer, case=case, channel="hotline", topic="Wilhelmina called", text=f"Call {PHONE}", by=by
    )
    suppression.suppress(
        email=EMAIL, scope=Suppression.Scope.ALL, reason=Suppression.Reason.COMPLAINED, source="test", occurred_at=now
    )
    for row in (customer, purchase, case, customer.identifiers.first()):
        LogEntry.objects.create(
            user=by, content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk), object_repr=str(customer),
            action_flag=CHANGE, change_message=f"Set e-mail to {EMAIL}",
        )  # fmt: skip
    key = ApiKey.objects.create(label="Shop", public_id="abc", client="abc", secret_digest=b"x" * 32)
    ApiRequest.objects.create(
        client="abc",
        key="k",
        api_key=key,
        fingerprint=b"y" * 32,
        status=200,
        body=json.dumps({"name": NAME, "email": EMAIL}),
    )
    ImportJob.objects.create(name="customers.csv", token="t", state="checked", language="en", created_at=now, by=by)
    (folder() / "t.csv").write_text(
        f"name,email,phone\nBob,bob@mail.example,\n{NAME},,030 555 123 987\nX,{EMAIL.upper()},\n"
    )
    (folder() / "t.errors.csv").write_text(
        f'line,reason,text\n3,bad,"{NAME}, {EMAIL}"\n4,bad,030-555-123987\n5,bad,other\n'
    )
    return customer


@pytest.fixture
def mails(tmp_path, settings):
    directory = tmp_path / "mail"
    one = {"BACKEND": "loyalty_site.mailbox.EmailBackend", "OPTIONS": {"directory": str(directory)}}
    settings.MAILERS = {"default": one, "surveys": one}
    backend = mailbox.EmailBackend(directory=str(directory), alias="default")
    for to, text in ((EMAIL, "Hello"), ("staff@shop.example", f"ask {EMAIL}"), ("bob@mail.example", "Hello Bob, 你好")):
        backend.send_messages([EmailMultiAlternatives("Subject", text, "shop@shop.example", [to])])
    return directory


@pytest.fixture
def now() -> dt.datetime:
    return timezone.now()


@pytest.fixture
def customer(now, mails, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    return live(now=now)


def erase(customer: Customer, now: dt.datetime) -> Erasure:
    return erasure.erase(
        customer=customer, reason=Erasure.Reason.REQUEST, by=User.objects.get(email="manager@shop.example"), now=now
    )


def test_the_search_finds_what_is_there(customer):
    tables = {line.split(".")[0] for line in mentions()}
    assert tables == {
        "account_emailaddress", "customers_apirequest", "customers_customer", "customers_identifier", "customers_user",
        "django_admin_log", "django_session", "rewards_pointtransaction", "rewards_valuemovement", "surveys_case", "surveys_contactlogentry",
        "surveys_invitation",
    }  # fmt: skip


def test_nothing_names_an_erased_customer(customer, now, mails, caplog, django_capture_on_commit_callbacks):
    caplog.set_level(logging.DEBUG)
    with django_capture_on_commit_callbacks(execute=True):
        erase(customer, now)
    assert mentions() == []
    left = [path.read_text() for path in folder().glob("*")]
    assert [text for text in left if any(word in text.lower() for word in WORDS)] == []
    assert any("Bob" in text for text in left)
    assert any("5,bad,other" in text for text in left)
    assert len(list(mails.glob("*.eml"))) == 1
    assert not [line for line in caplog.messages if any(word in line.lower() for word in WORDS)]
    assert not Session.objects.exists()
    assert not EmailAddress.objects.exists()


def test_the_books_balance_and_nothing_is_left_to_spend(customer, now):
    before = PointTransaction.objects.count()
    card = ValueAccount.objects.get(kind="gift_card")
    erase(customer, now)
    found = proof.prove()
    assert found.faults == []
    assert sum(found.trial_balance.values()) == 0
    assert PointTransaction.objects.count() > before
    balance = PointBalance.objects.get(customer=customer)
    assert (balance.pending, balance.active, balance.held, balance.debt) == (0, 0, 0, 0)
    assert not StampBalance.objects.filter(customer=customer).exclude(active=0, pending=0, held=0).exists()
    assert not Coupon.objects.live(now).filter(customer=customer).exists()
    assert ValueAccount.objects.get(kind="store_credit").balance == 0
    card.refresh_from_db()
    assert (card.customer_id, card.balance) == (None, 5_100)
    assert not Message.objects.filter(state="queued").exists()


def test_suppressions_keep_their_hash_and_the_invitation_no_address(customer, now):
    erase(customer, now)
    assert Suppression.objects.filter(email_hash=suppression.email_hash(EMAIL)).exists()
    assert set(Invitation.objects.filter(customer=customer).values_list("email", "name")) == {("", "")}


def test_it_is_written_down_who_erased_and_why_by_keys_alone(customer, now):
    row = erase(customer, now)
    event = AuditEvent.objects.get(action="erased")
    assert (event.customer_id, event.reason, event.role, event.reference) == (
        customer.pk, "request", "owner", f"erasure:{row.pk}"
    )  # fmt: skip


def test_an_erased_customer_is_erased_once(customer, now):
    erase(customer, now)
    with pytest.raises(erasure.ErasedAlready):
        erase(customer, now)
    assert Erasure.objects.count() == 1


def test_a_running_import_lets_it_wait(customer, now):
    ImportJob.objects.update(state="importing")
    with pytest.raises(erasure.FilesBusy):
        erase(customer, now)
    customer.refresh_from_db()
    assert customer.erased_at is None
    assert PointBalance.objects.get(customer=customer).active > 0


def test_staff_with_a_card_keep_their_log_in(customer, now):
    User.objects.filter(pk=customer.user_id).update(is_staff=True)
    customer.refresh_from_db()
    erase(customer, now)
    assert User.objects.get(email=EMAIL).is_active
    assert Customer.objects.get(pk=customer.pk).user is None


def test_a_record_that_was_merged_goes_too(customer, now):
    duplicate = enrolment.enrol(name=NAME, email="canary2@mail.example", source="till", now=now)
    Customer.objects.filter(pk=duplicate.pk).update(merged_into=customer)
    erase(customer, now)
    assert mentions() == []
    assert Customer.objects.get(pk=duplicate.pk).erased_at


class TestRestore:
    """An older backup knows the person; the list of the erased lies beside the database."""

    def test_who_comes_back_is_erased_again(self, customer, now, django_capture_on_commit_callbacks):
        stored = {"member_number": NUMBER, "name": NAME, "name_folded": NAME.lower(), "erased_at": None}
        with django_capture_on_commit_callbacks(execute=True):
            erase(customer, now)
        assert [line["customer"] for line in erasure.read_list()] == [customer.pk]
        assert not any(word in erasure.list_path().read_text().lower() for word in WORDS)
        Customer.objects.filter(pk=customer.pk).update(**stored)
        Identifier.objects.create(customer=customer, kind="email", value=EMAIL, normalised=EMAIL)
        call_command("erase_customer", "--reapply")
        assert mentions() == []
        assert erasure.apply_list(now=now) == 0

    def test_a_new_customer_with_an_old_key_stays(self, customer, now, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            erase(customer, now)
        Customer.objects.filter(pk=customer.pk).update(erased_at=None, recorded_at=now + DAY, name="Somebody new")
        assert erasure.apply_list(now=now) == 0
        assert Customer.objects.get(pk=customer.pk).name == "Somebody new"

    def test_the_list_is_completed_from_the_table(self, customer, now):
        erase(customer, now)
        assert list(erasure.read_list()) == []
        assert erasure.keep_list() == 1
        assert erasure.keep_list() == 0


class TestOwnWish:
    def test_it_waits_for_seven_days_and_can_be_called_off(self, customer, now):
        wish = erasure.ask(customer=customer, now=now)
        assert wish.due_at == now + 7 * DAY
        assert erasure.ask(customer=customer, now=now) == wish
        assert erasure.run_due(now=now + 6 * DAY) == 0
        assert erasure.call_off(customer=customer, now=now + 6 * DAY)
        assert erasure.run_due(now=now + 8 * DAY) == 0
        assert not erasure.call_off(customer=customer, now=now)

    def test_then_it_is_done(self, customer, now):
        erasure.ask(customer=customer, now=now)
        assert erasure.run_due(now=now + 7 * DAY) == 1
        assert erasure.run_due(now=now + 7 * DAY) == 0
        assert mentions() == []


def test_the_command_asks_and_erases(customer, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _question: "something else")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_customer", NUMBER)
    call_command("erase_customer", NUMBER, "--yes")
    assert mentions() == []
    with pytest.raises(CommandError, match="No customer"):
        call_command("erase_customer", NUMBER, "--yes")


class TestGuards:
    """A note may go once its customer is erased; nothing else of the history may ever change."""

    def change(self, sql: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

    @pytest.mark.parametrize("change", [
        "note = ''", "note = 'other'", "points = 1", "note = '', points = 1",
    ])  # fmt: skip
    def test_while_the_customer_is_there_nothing_changes(self, customer, change):
        with pytest.raises(DatabaseError, match="append-only"):
            self.change(f"UPDATE rewards_pointtransaction SET {change} WHERE kind = 'adjust'")

    @pytest.mark.parametrize(
        "change",
        [
            "note = 'other'",
            "points = 1",
            "note = '', points = 1",
            "mac = 'x', note = ''",
            "note = '', explanation = '{}'",
        ],
    )
    def test_of_an_erased_customer_only_the_note_goes(self, customer, now, change):
        Customer.objects.filter(pk=customer.pk).update(erased_at=now)
        with pytest.raises(DatabaseError, match="append-only"):
            self.change(f"UPDATE rewards_pointtransaction SET {change} WHERE kind = 'adjust'")
        self.change("UPDATE rewards_pointtransaction SET note = '' WHERE kind = 'adjust'")

    @pytest.mark.parametrize("table", ["customers_auditevent", "customers_consent"])
    def test_audit_and_consents_are_never_changed(self, customer, now, table):
        erasure.ask(customer=customer, now=now)
        consents.withdraw(
            customer=customer, channel="email", purpose="marketing", wording="", source="t", by=None, now=now
        )
        with pytest.raises(DatabaseError, match="append-only"):
            self.change(f"UPDATE {table} SET occurred_at = occurred_at")
        with pytest.raises(DatabaseError, match="append-only"):
            self.change(f"DELETE FROM {table}")

"""What customers change about themselves: details, preferences, and the e-mail address (threat D5)."""

import datetime as dt
import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from customers import details, notices, spending_proof
from customers.models import Category, Customer, Identifier, Notice, SignedInDevice
from customers.notices import Letter
from customers.tests.factories import NOON, create_customer, create_user
from customers.tests.test_log_in import CONFIRM, REQUEST, ask_for_code

pytestmark = pytest.mark.django_db
ADDRESS, CODE, DETAILS = "/profile/address/", "/profile/address/code/", "/profile/details/"


@pytest.fixture
def alice() -> Customer:
    user = create_user(email="alice@example.com", name="Alice")
    return create_customer(name="Alice", email="alice@example.com", user=user)


@pytest.fixture
def hers(alice) -> Client:
    client = Client()
    client.force_login(alice.user)
    return client


def code() -> str:
    return re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", mail.outbox[-1].body)[0]


def emails(customer: Customer) -> list[str]:
    return list(customer.identifiers.filter(kind="email").values_list("value", flat=True))


class TestAnotherAddress:
    def test_the_new_one_confirms_the_old_one_is_told_and_spending_waits(
        self, alice, hers, django_capture_on_commit_callbacks
    ):
        other = Client()
        other.force_login(alice.user)
        assert hers.post(ADDRESS, {"email": "new@example.com"}).url == CODE
        assert emails(alice) == ["alice@example.com"]
        with django_capture_on_commit_callbacks(execute=True):
            assert hers.post(CODE, {"code": code()}).url == "/profile/"
        assert emails(alice) == ["new@example.com"]
        assert mail.outbox[-1].to == ["alice@example.com"]
        assert "72 hours" in mail.outbox[-1].body
        alice.refresh_from_db()
        left = alice.spending_held_until - timezone.now()
        assert dt.timedelta(hours=71) < left <= dt.timedelta(hours=72)
        assert spending_proof.is_held(customer=alice, now=timezone.now())
        # Every other session is dead, this one goes on.
        assert other.get("/").status_code == 302
        assert hers.get("/").status_code == 200
        assert SignedInDevice.objects.get().session_key == hers.session.session_key

    def test_the_old_address_opens_nothing_any_more_and_the_new_one_does(self, alice, hers):
        hers.post(ADDRESS, {"email": "new@example.com"})
        hers.post(CODE, {"code": code()})
        client = Client()
        client.post(REQUEST, {"email": "alice@example.com"})
        assert "no log-in for this address" in mail.outbox[-1].body
        client = Client()
        assert client.post(CONFIRM, {"code": ask_for_code(client, "new@example.com")}).url == "/"

    def test_a_taken_address_gets_the_same_answer_and_its_owner_a_mail_without_a_code(self, alice, hers):
        create_customer(name="Bob", email="bob@example.com")
        answers = []
        for email in ("bob@example.com", "free@example.com"):
            asked = hers.post(ADDRESS, {"email": email})
            page = hers.get(asked.url).content.decode().replace(email, "ADDRESS")
            answers.append((asked.status_code, asked.url, re.sub(r'value="\w{64}"', "", page)))
        assert answers[0] == answers[1]
        assert "belongs to a membership already" in mail.outbox[0].body
        assert re.search(r"[A-Z]{4}-[A-Z]{4}", mail.outbox[0].body) is None

    def test_an_address_that_was_taken_meanwhile_is_refused(self, alice, hers):
        hers.post(ADDRESS, {"email": "new@example.com"})
        sent = code()
        create_customer(name="Bob", email="new@example.com")
        assert hers.post(CODE, {"code": sent}).url == ADDRESS
        assert emails(alice) == ["alice@example.com"]

    def test_the_address_of_a_member_of_staff_is_taken(self, alice, hers):
        create_user(email="boss@shop.example", is_staff=True)
        hers.post(ADDRESS, {"email": "boss@shop.example"})
        assert "belongs to a membership already" in mail.outbox[-1].body

    def test_a_wrong_code_changes_nothing_and_three_end_it(self, alice, hers):
        hers.post(ADDRESS, {"email": "new@example.com"})
        sent = code()
        assert [hers.post(CODE, {"code": "BBBB-BBBB"}).status_code for _ in range(3)] == [200, 200, 302]
        assert hers.post(CODE, {"code": sent}).url == ADDRESS
        assert emails(alice) == ["alice@example.com"]

    def test_the_same_address_again_changes_and_holds_nothing(self, alice, hers):
        hers.post(ADDRESS, {"email": "ALICE@example.com"})
        hers.post(CODE, {"code": code()})
        alice.refresh_from_db()
        assert alice.spending_held_until is None

    def test_the_code_of_one_browser_is_worth_nothing_in_another(self, alice, hers):
        hers.post(ADDRESS, {"email": "new@example.com"})
        other = Client()
        other.force_login(alice.user)
        assert other.post(CODE, {"code": code()}).url == ADDRESS


class TestDetails:
    def test_name_phone_and_time_zone_are_changed(self, alice, hers):
        hers.post(DETAILS, {"name": "Alice Liddell", "phone": "030 1234567", "time_zone": "Asia/Shanghai"})
        alice.refresh_from_db()
        assert (alice.name, alice.time_zone) == ("Alice Liddell", "Asia/Shanghai")
        assert alice.identifiers.get(kind="phone").normalised == "+49301234567"
        hers.post(DETAILS, {"name": "Alice Liddell", "phone": "", "time_zone": ""})
        assert not alice.identifiers.filter(kind="phone").exists()

    def test_a_birthday_is_chosen_once(self, alice, hers):
        hers.post(DETAILS, {"birthday": "1990-05-04"})
        hers.post(DETAILS, {"birthday": "1990-05-05"})
        alice.refresh_from_db()
        assert alice.birthday == dt.date(1990, 5, 4)
        assert "disabled" in hers.get(DETAILS).content.decode()
        details.change(customer=alice, name="", phone="", birthday=dt.date(1991, 1, 1), time_zone="", now=NOON)
        alice.refresh_from_db()
        assert alice.birthday == dt.date(1990, 5, 4)

    def test_what_the_shop_wrote_may_be_put_right_once(self, alice, hers):
        Customer.objects.update(birthday=dt.date(1980, 1, 1))
        hers.post(DETAILS, {"name": "Alice"})
        alice.refresh_from_db()
        assert (alice.birthday, alice.birthday_set_at) == (dt.date(1980, 1, 1), None)
        hers.post(DETAILS, {"birthday": "1980-01-02"})
        alice.refresh_from_db()
        assert alice.birthday == dt.date(1980, 1, 2)

    def test_somebody_elses_phone_is_refused_and_ten_a_day_are_tried(self, alice, hers):
        bob = create_customer(name="Bob")
        Identifier.objects.create(customer=bob, kind="phone", value="030 111111", normalised="+4930111111")
        assert "cannot be used here" in hers.post(DETAILS, {"name": "A", "phone": "030 111111"}).content.decode()
        for n in range(9):
            hers.post(DETAILS, {"phone": f"030 22222{n}"})
        assert "cannot be used here" in hers.post(DETAILS, {"phone": "030 333333"}).content.decode()
        alice.refresh_from_db()
        assert alice.identifiers.get(kind="phone").value == "030 222228"

    @pytest.mark.parametrize("data", [{"phone": "abc"}, {"birthday": "2999-01-01"}, {"time_zone": "Mars/Base"}])
    def test_nonsense_is_refused(self, alice, hers, data):
        assert hers.post(DETAILS, data).status_code == 200


class TestPreferences:
    def test_likes_dislikes_and_reminders_are_kept(self, alice, hers):
        tea, coffee = (Category.objects.create(code=name, name_en=name.title()) for name in ("tea", "coffee"))
        hers.post("/profile/preferences/", {"likes": [tea.pk], "dislikes": [coffee.pk]})
        alice.refresh_from_db()
        assert ([*alice.preferred_categories.all()], [*alice.disliked_categories.all()]) == ([tea], [coffee])
        assert not alice.wants_reminders

    def test_both_at_once_is_refused(self, alice, hers):
        tea = Category.objects.create(code="tea", name_en="Tea")
        page = hers.post("/profile/preferences/", {"likes": [tea.pk], "dislikes": [tea.pk]}).content.decode()
        assert "You cannot both like and not like: Tea." in page

    @pytest.mark.parametrize(("wants", "number"), [(True, 1), (False, 0)])
    def test_reminders_leave_only_to_those_who_want_them(self, alice, wants, number):
        Customer.objects.update(wants_reminders=wants)
        context = {"amount": 5, "last_day": "2026-04-01"}
        notices.queue([Letter(alice.pk, "points_expiring", "x", context)], now=NOON)
        notices.send_due(now=NOON)
        assert len(mail.outbox) == number
        assert Notice.objects.get().state == ("sent" if wants else "skipped")

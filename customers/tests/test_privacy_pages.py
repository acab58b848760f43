"""The customer's own privacy pages: choosing, looking up, taking along, leaving. Confirmed by a mailed code where it matters."""

import datetime as dt
import io
import json
import re
import zipfile

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import audit, consent_words, consents, erasure, exports, looks, opt_out, privacy_forms, retention
from customers.enrolment_forms import TillEnrolmentForm
from customers.forms import MailForm
from customers.joining_forms import JoinForm
from customers.models import AuditEvent, Consent, Customer, DataExport, Erasure, Look, Purchase
from customers.tests.api_factories import Caller
from customers.tests.factories import NOON, create_customer, create_store, create_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
HOME, CONFIRM, EXPORT, ERASE = "/privacy/", "/privacy/confirm/", "/privacy/export/", "/privacy/erase/"


@pytest.fixture
def alice(settings) -> Customer:
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    user = create_user(email="alice@mail.example")
    return create_customer(name="Alice Liddell", email="alice@mail.example", user=user, member_number="M-ALICE")


@pytest.fixture
def browser(alice, client) -> Client:
    client.force_login(alice.user)
    return client


def confirm(browser: Client, *, going_to: str = EXPORT) -> None:
    browser.post(CONFIRM, {"next": going_to})
    code = re.search(r"^\s*(\d{6})\s*$", mail.outbox[-1].body, re.MULTILINE).group(1)
    answer = browser.post(CONFIRM, {"next": going_to, "code": code})
    assert answer.headers["Location"] == going_to


def words(customer: Customer) -> list[tuple[str, str, bool, str, str]]:
    rows = Consent.objects.filter(customer=customer).order_by("pk")
    return list(rows.values_list("channel", "purpose", "is_granted", "wording", "source"))


class TestChoices:
    def test_each_switch_that_moved_is_a_row_with_its_wording(self, browser, alice):
        browser.post(HOME, {"marketing_email": "on", "surveys_sms": "on", "is_personalised": "on"})
        assert words(alice) == [
            ("email", "marketing", True, "offer-mail:1", "portal:privacy"),
            ("sms", "surveys", True, "privacy-page:1", "portal:privacy"),
        ]
        browser.post(HOME, {"surveys_sms": "on", "is_personalised": "on"})
        assert words(alice)[2:] == [("email", "marketing", False, "offer-mail:1", "portal:privacy")]

    def test_personalisation_goes_off_and_is_written_down(self, browser, alice):
        browser.post(HOME, {})
        alice.refresh_from_db()
        assert not alice.is_personalised
        assert AuditEvent.objects.get(action="preferences").customer == alice
        assert words(alice) == []

    def test_the_page_says_how_long_what_is_kept(self, browser):
        page = browser.get(HOME).content.decode()
        assert "Files with exported data" in page
        assert "7 days: long enough to fetch them" in page


class TestHistory:
    @pytest.mark.parametrize(
        ("language", "sentence", "place", "time"),
        [
            ("en", "Mail me coupons, offers and small surprises.", "on the page about your data", "10 Mar 2026 13:00"),
            ("zh-hans", "把优惠券、优惠活动和小惊喜发到我的邮箱。", "在您的数据页面上", "2026年3月10日 13:00"),
        ],
    )
    def test_a_word_is_shown_with_its_time_its_sentence_and_its_place(
        self, browser, alice, language, sentence, place, time
    ):
        consents.grant(
            customer=alice, channel="email", purpose="marketing", wording="offer-mail:1", source="portal:privacy",
            by=None, now=NOON,
        )  # fmt: skip
        alice.user.language = language
        alice.user.save()
        page = browser.get("/privacy/history/").content.decode()
        assert sentence in page
        assert place in page
        assert time in page
        file = io.BytesIO()
        exports.write(file, customer=alice, now=NOON)
        with zipfile.ZipFile(file) as archive:
            written = archive.read(f"data.{language}.html").decode()
        assert sentence in written
        assert place in written

    def test_every_sentence_that_a_form_records_is_known(self):
        keys = [
            *MailForm.WORDINGS.values(), JoinForm.OFFERS_WORDING, JoinForm.SURVEYS_WORDING,
            TillEnrolmentForm.OFFERS_WORDING, TillEnrolmentForm.SURVEYS_WORDING, opt_out.WORDING, privacy_forms.WORDING,
        ]  # fmt: skip
        for key in keys:
            assert consent_words.sentence(wording=key, purpose="surveys") != key

    def test_what_another_system_showed_is_told_as_it_named_it(self):
        assert consent_words.sentence(wording="web-2024", purpose="surveys") == "web-2024"
        assert consent_words.place("till:BER1") == "at the till"
        assert consent_words.place("paper form") == "noted by the shop"

    def test_looks_are_shown_by_place_and_store_and_never_by_name(self, browser, alice):
        clerk = create_user(
            email="clerk@shop.example", name="Carla Clerk", is_staff=True, store=create_store(code="harbour")
        )
        now = timezone.now()
        for minutes in (0, 5, 15):
            audit.note_looks(
                action=audit.Action.VIEWED, place=audit.Place.ADMIN, customer_ids=[alice.pk], by=clerk,
                now=now + dt.timedelta(minutes=minutes),
            )  # fmt: skip
        assert AuditEvent.objects.filter(action="viewed").count() == 2, (
            "a second look within ten minutes is the same look"
        )
        page = browser.get("/privacy/history/").content.decode()
        assert page.count("Record opened · office · Harbour") == 2
        assert "Carla" not in page
        assert "clerk@" not in page

    def test_staff_and_programs_that_look_are_written_down(self, alice):
        owner = create_user(email="owner@shop.example", is_staff=True, is_superuser=True)
        office = Client()
        office.force_login(owner)
        office.get(reverse("admin:customers_customer_change", args=[alice.pk]))
        caller = Caller()
        caller.get("/customers/M-ALICE")
        caller.get("/customers/M-ALICE/contacts")
        caller.post("/customers/find", {"email": "alice@mail.example"})
        rows = AuditEvent.objects.filter(customer=alice).order_by("pk").values_list("place", "action", "by", "role")
        assert list(rows) == [
            ("admin", "viewed", owner.pk, "owner"), ("api", "viewed", None, ""), ("api", "contacts", None, ""),
        ]  # fmt: skip

    @pytest.mark.parametrize(("page", "query", "action"), [
        ("changelist", {}, "found"), ("changelist", {"q": "Alice"}, "found"), ("timeline", {}, "viewed"),
        ("merge_with", {"duplicate": "M-TWIN"}, "viewed"),
    ])  # fmt: skip
    def test_pages_of_the_office_that_show_who_somebody_is(self, alice, page, query, action):
        owner = create_user(email="owner@shop.example", is_staff=True, is_superuser=True)
        create_customer(name="Alice", member_number="M-TWIN")
        office = Client()
        office.force_login(owner)
        of = [] if page == "changelist" else [alice.pk]
        for _time in range(2):
            assert office.get(reverse(f"admin:customers_customer_{page}", args=of), query).status_code == 200
        rows = AuditEvent.objects.filter(customer=alice).values_list("place", "action", "by")
        assert list(rows) == [("admin", action, owner.pk)]

    def test_likely_duplicates_are_looks_at_both(self, alice):
        birthday = dt.date(1990, 1, 2)
        pair = [create_customer(name="Li Wei", birthday=birthday) for _time in range(2)]
        office = Client()
        office.force_login(create_user(email="owner@shop.example", is_staff=True, is_superuser=True))
        assert office.get(reverse("admin:customers_customermerge_likely")).status_code == 200
        seen = AuditEvent.objects.filter(action="found").values_list("customer", flat=True)
        assert set(seen) == {one.pk for one in pair}

    def test_a_search_that_finds_others_is_no_look(self, alice):
        create_customer(name="Bob")
        office = Client()
        office.force_login(create_user(email="owner@shop.example", is_staff=True, is_superuser=True))
        office.get(reverse("admin:customers_customer_changelist"), {"q": "Bob"})
        assert not AuditEvent.objects.filter(customer=alice).exists()

    def test_a_look_at_oneself_is_nobodys_business(self, alice):
        audit.note_looks(
            action=audit.Action.VIEWED,
            place=audit.Place.ADMIN,
            customer_ids=[alice.pk],
            by=alice.user,
            now=timezone.now(),
        )
        assert not AuditEvent.objects.exists()


class TestExport:
    def fetch(self, browser: Client) -> zipfile.ZipFile:
        confirm(browser)
        browser.post(EXPORT)
        answer = browser.get(f"{EXPORT}{DataExport.objects.get().token}/")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))

    def test_an_open_session_alone_makes_nothing(self, browser):
        assert browser.post(EXPORT).headers["Location"] == f"{CONFIRM}?next=%2Fprivacy%2Fexport%2F"
        assert not DataExport.objects.exists()

    def test_everything_is_in_it_for_programs_and_for_people(self, browser, alice):
        now = timezone.now()
        Purchase.objects.create(
            store=create_store(code="harbour"), reference="R-77", customer=alice, occurred_at=now, total=500
        )
        with self.fetch(browser) as archive:
            assert sorted(archive.namelist()) == ["data.en.html", "data.json", "data.zh-hans.html"]
            data = json.loads(archive.read("data.json"))
            english, chinese = (archive.read(f"data.{language}.html").decode() for language in ("en", "zh-hans"))
        assert data["data"]["customers.Customer"][0]["name"] == "Alice Liddell"
        assert data["data"]["customers.Identifier"][0]["value"] == "alice@mail.example"
        assert data["data"]["customers.Purchase"][0]["store"] == "Harbour"
        assert "digest" not in json.dumps(data["data"])
        assert "password" not in json.dumps(data["data"]["customers.User"])
        for page in (english, chinese):
            assert "R-77" in page
            assert "alice@mail.example" in page
        assert "Your data at" in english
        assert "的资料" in chinese

    def test_nobody_else_fetches_it(self, browser, alice):
        self.fetch(browser)
        bob = Client()
        bob.force_login(create_customer(name="Bob", user=create_user(email="bob@mail.example")).user)
        assert bob.get(f"{EXPORT}{DataExport.objects.get().token}/").status_code == 404

    def test_the_file_goes_after_seven_days(self, browser):
        self.fetch(browser)
        row = DataExport.objects.get()
        assert row.path.exists()
        assert retention.apply_all(now=row.expires_at)["exports"] == 1
        assert not row.path.exists()
        assert browser.get(f"{EXPORT}{row.token}/").status_code == 404

    def test_three_a_day(self, browser, alice):
        now = timezone.now()
        for _number in range(3):
            exports.ask(customer=alice, now=now, place="portal")
        with pytest.raises(exports.TooManyExports):
            exports.ask(customer=alice, now=now, place="portal")
        exports.ask(customer=alice, now=now + 2 * DAY, place="portal")

    def test_a_worker_makes_what_waits_once(self, alice):
        now = timezone.now()
        row = exports.ask(customer=alice, now=now, place="portal")
        assert exports.make_waiting(now=now) == 1
        assert exports.make_waiting(now=now) == 0
        row.refresh_from_db()
        assert row.state == "ready"
        assert row.path.stat().st_mode & 0o777 == 0o600

    def test_the_file_is_headed_by_the_name_of_the_shop_in_its_language(self, alice):
        looks.keep(Look(name_en="Tea & Talk", name_zh="茶与话"))
        file = io.BytesIO()
        try:
            exports.write(file, customer=alice, now=NOON)
        finally:
            looks.keep(Look(), seconds=10**9)  # as all tests have it
        with zipfile.ZipFile(file) as archive:
            assert "Your data at Tea &amp; Talk" in archive.read("data.en.html").decode()
            assert "茶与话" in archive.read("data.zh-hans.html").decode()
            assert json.loads(archive.read("data.json"))["programme"] == "Tea & Talk"

    def test_the_command_writes_a_file(self, alice, tmp_path):
        call_command("export_customer", "M-ALICE", str(tmp_path / "a.zip"))
        with zipfile.ZipFile(tmp_path / "a.zip") as archive:
            assert "Alice Liddell" in archive.read("data.json").decode()
        assert AuditEvent.objects.get().place == "command"


class TestErase:
    def test_it_is_confirmed_waits_and_can_be_called_off(self, browser, alice):
        assert browser.post(ERASE).headers["Location"].startswith(CONFIRM)
        confirm(browser, going_to=ERASE)
        browser.post(ERASE)
        wish = Erasure.objects.get()
        assert wish.due_at - wish.asked_at == erasure.GRACE
        assert "Until then you can change your mind" in browser.get(ERASE).content.decode()
        browser.post(ERASE, {"keep": "yes"})
        assert erasure.waiting(customer=alice) is None

    def test_the_night_does_it(self, browser, alice):
        wish = erasure.ask(customer=alice, now=timezone.now())
        due = {line.name: line.due(wish.due_at) for line in retention.table()}
        assert due["erasures"] == 1
        retention.apply_all(now=wish.due_at)
        alice.refresh_from_db()
        assert alice.erased_at
        assert browser.get(HOME).status_code in (302, 403)


class TestConfirm:
    def test_a_wrong_code_opens_nothing(self, browser):
        browser.post(CONFIRM, {"next": EXPORT})
        answer = browser.post(CONFIRM, {"next": EXPORT, "code": "000000"})
        assert answer.status_code == 200
        assert browser.post(EXPORT).headers["Location"].startswith(CONFIRM)

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/privacy/", "//evil.example", "/admin/", ""])
    def test_it_leads_nowhere_else(self, browser, elsewhere):
        browser.post(CONFIRM, {"next": elsewhere})
        code = re.search(r"^\s*(\d{6})\s*$", mail.outbox[-1].body, re.MULTILINE).group(1)
        assert browser.post(CONFIRM, {"next": elsewhere, "code": code}).headers["Location"] == HOME


class TestRetention:
    def test_who_was_not_seen_is_erased_only_where_the_shop_says_so(self, alice, settings):
        now = timezone.now()
        Customer.objects.update(enrolled_at=now - 900 * DAY)
        seen = create_customer(name="Seen", enrolled_at=now - 900 * DAY)
        Purchase.objects.create(store=create_store(), reference="1", customer=seen, occurred_at=now - DAY, total=1)
        settings.INACTIVE_MONTHS = 0
        assert retention.apply_all(now=now)["inactive"] == 0
        settings.INACTIVE_MONTHS = 24
        assert [one.pk for one in retention.inactive(now=now)] == [alice.pk]
        assert retention.apply_all(now=now)["inactive"] == 1
        assert retention.apply_all(now=now)["inactive"] == 0
        assert Customer.objects.filter(erased_at=None).get() == seen

    def test_every_line_says_what_and_why(self):
        for line in retention.table():
            assert str(line.what)
            assert str(line.why)
            assert line.due(timezone.now()) >= 0

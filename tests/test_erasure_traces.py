"""An erased customer leaves no trace where no key leads to them: files in the making, answers, other systems' requests, second records."""

import datetime as dt
from pathlib import Path

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from customers import accounts, enrolment, erasure, exports, merging, webhook_delivery, webhook_endpoints, webhooks
from customers.enrolment import Word
from customers.models import (
    ApiKey,
    ApiRequest,
    AuditEvent,
    Customer,
    DataExport,
    Erasure,
    ImportJob,
    User,
    WebhookDelivery,
    WebhookEvent,
)
from customers.models.import_job import folder
from customers.models.webhook import EventType
from customers.tests.factories import create_user
from surveys import responses, verbatims
from surveys.models import Answer, Survey
from surveys.tests.factories import create_survey, invite
from tests.canaries import EMAIL, NAME, NUMBER, PHONE, files_that_mention, mentions

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def var_dir(tmp_path: Path, settings) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


@pytest.fixture
def now() -> dt.datetime:
    return timezone.now()


@pytest.fixture
def customer(now) -> Customer:
    words = [Word("email", "surveys", is_granted=True)]
    return enrolment.enrol(
        name=NAME, email=EMAIL, phone=PHONE, member_number=NUMBER, source="till", now=now, words=words
    )


def erase(customer: Customer, now: dt.datetime) -> None:
    erasure.erase(customer=customer, reason=Erasure.Reason.REQUEST, by=None, now=now)


class TestExports:
    def ask(self, customer: Customer, now: dt.datetime) -> DataExport:
        return exports.ask(customer=customer, now=now, place=AuditEvent.Place.PORTAL)

    def test_a_file_that_was_made_goes(self, customer, now, var_dir):
        assert exports.make(export=self.ask(customer, now), now=now)
        assert len(files_that_mention(var_dir)) > 1
        erase(customer, now)
        assert files_that_mention(var_dir) == []

    def test_what_a_stopped_worker_left_goes(self, customer, now, var_dir, monkeypatch):
        def stop(*_args, **_fields):
            raise KeyboardInterrupt

        export = self.ask(customer, now)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", stop)
            with pytest.raises(KeyboardInterrupt):
                exports.make(export=export, now=now)
        assert files_that_mention(var_dir)
        erase(customer, now)
        assert files_that_mention(var_dir) == []

    @pytest.mark.parametrize("moment", ["before the file is there", "after it"])
    def test_one_that_is_being_made_meanwhile_is_left_nowhere(self, customer, now, var_dir, monkeypatch, moment):
        export, replace = self.ask(customer, now), Path.replace

        def meanwhile(path: Path, target: Path) -> Path:
            if moment.startswith("after"):
                replace(path, target)
                # The erasure of another process: it saw no file, and its commit comes before ours.
                DataExport.objects.update(state=DataExport.State.GONE)
                return target
            erase(customer, now)
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", meanwhile)
        assert not exports.make(export=export, now=now)
        export.refresh_from_db()
        assert export.state == DataExport.State.GONE
        assert files_that_mention(var_dir) == []

    def test_a_rest_goes_with_the_days_of_its_export(self, customer, now, var_dir):
        export = self.ask(customer, now)
        export.unfinished_path.write_text(NAME)
        exports.forget_due(now=now + 8 * DAY)
        assert files_that_mention(var_dir) == []


class TestAnswers:
    SAID = f"I am {NAME}, write to {EMAIL.upper()} or {PHONE}"

    def answer(self, customer: Customer | None, anonymity: str, now: dt.datetime, text: str) -> None:
        survey = create_survey(anonymity=anonymity)
        fields = {"hour_from": 0, "hour_until": 24, "survey": survey}
        invitation = invite(now=now, customer=customer, **fields) if customer else invite(now=now, **fields)
        questions = list(invitation.run.version.questions.order_by("position"))
        responses.complete(
            invitation=invitation, values=dict(zip(questions, (3, text), strict=True)), language="en", now=now
        )

    @pytest.mark.parametrize("anonymity", Survey.Anonymity.values)
    def test_their_words_go_whatever_the_survey_promised(self, customer, now, anonymity):
        self.answer(customer, anonymity, now, self.SAID)
        verbatims.index_new()
        assert {line.split(".")[0] for line in mentions()} >= {"surveys_answer", "surveys_verbatim"}
        erase(customer, now)
        assert mentions() == []
        assert Answer.objects.filter(number=3).exists()

    def test_words_without_a_name_go_where_the_invitation_leads_to_them(self, customer, now):
        self.answer(customer, "confidential", now, "The tall one at table four was me")
        erase(customer, now)
        assert set(Answer.objects.values_list("text", flat=True)) == {""}

    @pytest.mark.parametrize(
        ("name", "stays"), [("Anna", True), ("王芳", True), ("Anna Berg", False), ("王小明", False)]
    )
    def test_others_keep_their_words_where_it_may_be_somebody_else(self, customer, now, name, stays):
        Customer.objects.filter(pk=customer.pk).update(name=name)
        self.answer(None, "identified", now, f"{name} at the till was kind, order 1001")
        erase(customer, now)
        assert Answer.objects.filter(text__contains="kind").exists() is stays


class TestOtherSystems:
    def test_requests_and_their_keys(self, customer, now):
        key = ApiKey.objects.create(label="Shop", public_id="abc", client="abc", secret_digest=b"x" * 32)
        fields = {"client": "abc", "api_key": key, "fingerprint": b"y" * 32, "status": 200}
        ApiRequest.objects.create(key=f"join-{EMAIL}", body="{}", **fields)
        ApiRequest.objects.create(key="join-7", body=f'{{"email": "{EMAIL}"}}', **fields)
        ApiRequest.objects.create(key="join-8", body='{"name": "Bob"}', **fields)
        erase(customer, now)
        assert mentions() == []
        assert list(ApiRequest.objects.order_by("key").values_list("key", flat=True)) == ["join-7", "join-8"]

    def test_news_that_waits_to_be_told(self, now):
        webhook_endpoints.create(
            label="Shop", url="https://shop.example/", event_types=EventType.values, by=None, now=now - DAY
        )
        webhooks.listen_anew()
        customer = enrolment.enrol(name=NAME, email=EMAIL, phone=PHONE, member_number=NUMBER, source="till", now=now)
        webhook_delivery.spread(now=now)
        erase(customer, now)
        assert WebhookEvent.objects.filter(customer=customer).count() > 1
        assert WebhookDelivery.objects.exists()
        assert mentions() == []


class TestSessions:
    def begin(self, **data: object) -> str:
        session = SessionStore()
        session.update(data)
        session.create()
        return session.session_key

    def test_a_log_in_that_was_only_begun_is_forgotten(self, customer, now):
        user = accounts.ensure_user(email=EMAIL)
        customer.refresh_from_db()
        staff = create_user(email="till@shop.example", is_staff=True)
        self.begin(account_login_code={"email": EMAIL})
        self.begin(_auth_user_id=str(user.pk))
        kept = {self.begin(account_login_code={"email": "bob@mail.example"}), self.begin(_auth_user_id=str(staff.pk))}
        erase(customer, now)
        assert set(Session.objects.values_list("pk", flat=True)) == kept
        assert mentions() == []


class TestFilesHandedIn:
    def hand_in(self, *lines: str, encoding: str = "utf-8", **fields) -> Path:
        job = ImportJob.objects.create(
            name=f"{NAME}.csv", token="t", state="failed", reason=f"“{EMAIL}” is no column", language="en",
            created_at=timezone.now(), by=create_user(is_staff=True), **fields,
        )  # fmt: skip
        job.path.write_bytes("\n".join(lines).encode(encoding))
        return job.path

    def test_a_file_without_a_heading(self, customer, now, var_dir):
        path = self.hand_in(f"{NAME},{EMAIL}", "Bob,bob@mail.example")
        erase(customer, now)
        assert files_that_mention(var_dir) == []
        assert mentions() == []
        assert path.read_text() == "Bob,bob@mail.example"

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
    def test_a_file_in_an_encoding_that_nobody_reads(self, customer, now, encoding):
        Customer.objects.filter(pk=customer.pk).update(name="王小明")
        path = self.hand_in("姓名,电话", "王小明,", encoding=encoding)
        erase(customer, now)
        assert "王小明".encode(encoding.replace("16", "16-le")) not in path.read_bytes()
        assert not list(folder().glob("*.unfinished"))


class TestSecondRecords:
    def test_a_log_in_that_a_merge_closed_goes_with_both(self, customer, now):
        accounts.ensure_user(email=EMAIL)
        customer.refresh_from_db()
        second = enrolment.enrol(name=NAME, email="w.canary@mail.example", source="web", now=now)
        closed = accounts.ensure_user(email="w.canary@mail.example")
        second.refresh_from_db()
        User.objects.filter(pk=closed.pk).update(name=NAME)
        merging.merge(kept=customer, duplicate=second, by=None, now=now)
        customer.refresh_from_db()
        erase(customer, now)
        assert mentions() == []
        assert User.objects.get(pk=closed.pk).email == f"erased-{closed.pk}@erased.invalid"

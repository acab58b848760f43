"""Imports in the admin: hand in, check, start, watch; the file is nobody's but the worker's."""

import datetime as dt
import io
import time

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from customers import import_jobs
from customers.models import Customer, ImportJob, Purchase
from customers.models.import_job import folder
from customers.tests.factories import create_customer, create_store, create_user
from rewards import coupons, import_runner, tasks
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import create_rule

HEADER = "store,reference,member_number,occurred_at,sku,product,category,quantity,unit_price,discount\n"
GOOD = "main,R1,A1,2026-03-10T12:00:00Z,tea,Green tea,Drinks,1,10.00,\n"
BAD = "main,R2,A1,2026-03-10T12:00:00Z,tea,Green tea,Drinks,0,10.00,\n"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(monkeypatch, settings, tmp_path) -> None:
    """A store, a rule, a member, an empty folder; the worker is called by hand."""
    settings.VAR_DIR = tmp_path
    create_store(code="main")
    create_rule()
    create_customer(member_number="A1")
    monkeypatch.setattr(tasks.run_imports, "delay", lambda: None)


@pytest.fixture
def manager() -> Client:
    return signed_in("add_importjob", "view_importjob")


def signed_in(*permissions: str) -> Client:
    user = create_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def hand_in(client: Client, content: str = HEADER + GOOD + BAD, *, kind: str = "purchases", name: str = "day.csv"):
    upload = SimpleUploadedFile(name, content.encode(), content_type="text/csv")
    return client.post(reverse("admin:customers_importjob_add"), {"kind": kind, "file": upload}, follow=True)


def page(client: Client) -> str:
    return client.get(reverse("admin:customers_importjob_change", args=[ImportJob.objects.get().pk])).text


def start(client: Client):
    return client.post(reverse("admin:customers_importjob_start", args=[ImportJob.objects.get().pk]), follow=True)


def test_a_file_is_checked_shown_started_and_imported(manager):
    response = hand_in(manager)
    assert "Being checked" in response.text
    assert 'http-equiv="refresh"' in response.text
    assert "Green tea" in response.text  # the first rows
    import_runner.run_waiting()
    checked = page(manager)
    assert not Purchase.objects.exists()
    assert "“0” is not a whole number from 1 to 9999." in checked
    assert "Import the good lines" in checked
    assert 'http-equiv="refresh"' not in checked
    start(manager)
    import_runner.run_waiting()
    assert Purchase.objects.get().by == ImportJob.objects.get().by
    done = page(manager)
    assert "imported" in done
    assert "Import the good lines" not in done


def test_customers_are_imported_the_same_way(manager):
    hand_in(
        manager,
        "member_number,name,email,phone,language,birthday,enrolled_on,email_consent\nB1,Bob,,,,,,\n",
        kind="customers",
    )
    import_runner.run_waiting()
    start(manager)
    import_runner.run_waiting()
    assert Customer.objects.filter(name="Bob").exists()


def test_the_list_of_bad_lines_can_be_downloaded(manager):
    hand_in(manager)
    import_runner.run_waiting()
    response = manager.get(reverse("admin:customers_importjob_bad_lines", args=[ImportJob.objects.get().pk]))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[1] == "3,quantity,“0” is not a whole number from 1 to 9999."


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "PK\x03\x04", HEADER.replace(",", ";")])
def test_a_file_that_is_no_such_table_is_refused_at_the_form(manager, content):
    response = hand_in(manager, content or "\n")
    assert "errornote" in response.text
    assert not ImportJob.objects.exists()
    assert list(folder().glob("*.csv")) == []


def test_only_who_may_add_imports_sees_starts_or_downloads_them(manager):
    hand_in(manager)
    import_runner.run_waiting()
    pk = ImportJob.objects.get().pk
    for client, status in ((signed_in(), 403), (signed_in("view_importjob"), 403), (Client(), 302)):
        assert client.get(reverse("admin:customers_importjob_add")).status_code == status
        assert client.post(reverse("admin:customers_importjob_start", args=[pk])).status_code == status
        assert client.get(reverse("admin:customers_importjob_bad_lines", args=[pk])).status_code == status
    assert manager.get(reverse("admin:customers_importjob_start", args=[pk])).status_code == 405
    assert ImportJob.objects.get().state == "checked"


def test_a_job_starts_once_and_runs_once(manager):
    hand_in(manager)
    start(manager)  # before it was checked
    assert ImportJob.objects.get().state == "checking"
    assert import_runner.run_waiting() == 1
    assert import_runner.run_waiting() == 0
    start(manager)
    assert "only once" in start(manager).text
    tasks.run_imports()
    tasks.run_imports()
    assert (ImportJob.objects.get().attempts, Purchase.objects.count()) == (1, 1)


def test_a_job_whose_worker_fell_silent_is_taken_again_but_not_for_ever(manager):
    hand_in(manager)
    now = timezone.now()
    for attempt in range(import_jobs.ATTEMPTS):
        assert import_jobs.claim(now=now + attempt * dt.timedelta(hours=1)).pk
        assert import_jobs.claim(now=now + attempt * dt.timedelta(hours=1)) is None
    assert import_jobs.claim(now=now + dt.timedelta(days=1)) is None
    assert ImportJob.objects.get().state == "failed"


def test_what_goes_wrong_is_kept_and_raised(manager, monkeypatch):
    hand_in(manager)
    monkeypatch.setattr(import_runner, "import_file", lambda *args, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_runner.run_waiting()
    assert "Something unexpected went wrong" in page(manager)


def test_a_file_that_is_gone_is_said_so(manager):
    hand_in(manager)
    ImportJob.objects.get().path.unlink()
    import_runner.run_waiting()
    assert "The file is gone" in page(manager)


def test_files_have_random_names_are_private_and_are_forgotten(manager):
    hand_in(manager, name="../../etc/passwd.csv")
    job = ImportJob.objects.get()
    assert job.path.parent == folder()
    assert len(job.token) == 32
    assert job.path.stat().st_mode & 0o077 == 0
    assert folder().stat().st_mode & 0o077 == 0
    import_jobs.forget_files(now=timezone.now() + dt.timedelta(days=29))
    assert job.path.exists()
    import_jobs.forget_files(now=timezone.now() + dt.timedelta(days=31))
    assert not job.path.exists()
    assert job.name in page(manager)


def test_the_worker_shows_how_far_it_is(manager, monkeypatch):
    hand_in(manager)
    monkeypatch.setattr(time, "monotonic", iter(range(0, 1000, 2)).__next__)
    import_jobs.run(job=import_jobs.claim(now=timezone.now()), importer=import_runner.import_file)
    job = ImportJob.objects.get()
    assert job.steps_done == job.steps > 0


def test_the_preview_reads_like_the_import(manager):
    hand_in(manager, HEADER + GOOD.replace("Green tea", '"Tea, <b>green</b>"'))
    assert "Tea, &lt;b&gt;green&lt;/b&gt;" in page(manager)


def test_the_page_is_chinese_for_chinese_staff(manager):
    manager.cookies["django_language"] = "zh-hans"
    with translation.override("en"):  # a request leaves its language behind
        hand_in(manager)
        import_runner.run_waiting()
        text = page(manager)
    assert "导入正确的行" in text
    assert "错误行" in text


def test_a_file_object_of_any_kind_will_do():
    assert (
        import_runner.import_file(ImportJob(kind="purchases"), file=io.BytesIO((HEADER + GOOD).encode())).counts["new"]
        == 1
    )


def test_printed_codes_are_handed_in_with_their_batch(manager):
    batch = create_batch()
    url, file = reverse("admin:customers_importjob_add"), b"code\nGIFT000001\n"

    def post(**fields: object):
        upload = SimpleUploadedFile("cards.csv", file, content_type="text/csv")
        return manager.post(url, {"kind": "coupons", "file": upload, **fields}, follow=True)

    assert "Printed codes need the batch that they belong to." in post().text
    assert not ImportJob.objects.exists()
    assert "Five off" in post(batch=batch.pk).text
    import_runner.run_waiting()
    start(manager)
    import_runner.run_waiting()
    assert coupons.find("gift-000001").batch == batch

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from customers import import_jobs
from customers.import_report import ImportReport
from customers.models import ImportJob, User
from customers.tests.factories import NOON
from rewards import batches, code_import, codes, coupons, import_runner, proof_coupons
from rewards.models import Coupon, CouponBatch, PrintedCodes
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db


def read(*lines: str, batch: CouponBatch | None = None, **options) -> ImportReport:
    file = io.BytesIO("\r\n".join(["code", *lines, ""]).encode())
    return code_import.import_codes(file=file, batch=batch or create_batch(), now=NOON, **options)


def faults(report: ImportReport) -> list[tuple[int, str, str]]:
    return [tuple(fault) for fault in report.faults()]


def test_codes_of_ours_and_free_ones_become_coupons_that_are_found():
    batch = create_batch(prefix="CAFE", uses_per_coupon=2)
    (ours,) = codes.generate(1)
    report = read(f"cafe-{codes.display(ours)}", "Gift 0042 7", "SOLO-2026", batch=batch)
    assert dict(report.counts) == {"lines": 3, "new": 3, "unchanged": 0}
    assert {coupons.find(typed).uses_allowed for typed in (ours, f"CAFE {ours}", "gift-00427", "S0L02026")} == {2}
    batch.refresh_from_db()
    assert (batch.issued, proof_coupons.coupon_faults()) == (3, [])
    assert coupons.code_of(coupons.find("gift 00427")) == "G1FT00427"


def test_the_same_file_twice_issues_nothing_again():
    batch = create_batch()
    read("GIFT00001", "GIFT00002", batch=batch)
    assert dict(read("GIFT00001", "GIFT00002", batch=batch).counts) == {"lines": 2, "new": 0, "unchanged": 2}
    assert Coupon.objects.count() == 2


def test_what_is_refused_is_named_by_line_field_and_reason():
    taken = issue_coupon()
    code = coupons.code_of(taken)
    report = read("GIFT1", "GIFT-00001", "优惠券123456", code, "gift 00001", "X" * 33, 'GIFT"1"', "GIFT00002,x")
    assert [fault[:2] for fault in faults(report)] == [
        (2, "code"), (4, "code"), (5, "code"), (6, "code"), (7, "code"), (8, "code"), (9, ""),
    ]  # fmt: skip
    reasons = {line: reason for line, _field, reason in faults(report)}
    assert reasons[2] == "A code is made of 6 to 32 Latin letters and digits; blanks and dashes do not count."
    assert reasons[5] == "This code belongs to another offer."
    assert reasons[6] == "Line 3 has the same."
    assert report.counts["new"] == 1


def test_a_limit_refuses_the_rest_in_the_dry_run_as_in_the_import(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(code_import, "CHUNK", 2)
    batch, lines = create_batch(limit=3), [f"GIFT0000{n}" for n in range(5)]
    dry = read(*lines, batch=batch, is_dry_run=True)
    assert (dry.counts["new"], Coupon.objects.count()) == (3, 0)
    wet = read(*lines, batch=batch)
    assert faults(dry) == faults(wet)
    assert [line for line, *_rest in faults(wet)] == [5, 6]
    assert (wet.counts["new"], Coupon.objects.count()) == (3, 3)


def test_a_batch_that_was_paused_takes_nothing_and_says_so():
    batch = create_batch()
    batches.pause(batch=batch, now=NOON)
    assert [fault[2] for fault in faults(read("GIFT00001", batch=batch))] == [
        "“Five off” is not active or has ended; no coupon can be issued from it."
    ]


def test_a_file_handed_in_is_checked_and_imported_by_a_worker(settings, tmp_path: Path):
    settings.VAR_DIR = tmp_path
    boss, batch = User.objects.create_user(email="boss@example.com"), create_batch()
    upload = SimpleUploadedFile("cards.csv", b"code\nGIFT00001\nshort\n")
    job = import_jobs.accept(
        job=ImportJob(kind=ImportJob.Kind.COUPONS), upload=upload, by=boss, language="en", now=NOON
    )
    PrintedCodes.objects.create(job=job, batch=batch)
    assert import_runner.run_waiting() == 1
    job.refresh_from_db()
    assert (job.state, job.bad_lines, Coupon.objects.count()) == ("checked", 1, 0)
    import_jobs.start(job=job)
    import_runner.run_waiting()
    assert Coupon.objects.get().by == boss

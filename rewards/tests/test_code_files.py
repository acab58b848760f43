import csv
import io
import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import translation

from customers.models import User
from customers.tests.factories import NOON, create_customer
from loyalty_site.roles import ensure_roles
from rewards import code_files, coupon_history, coupons, redemption
from rewards.models import CouponBatch, CouponEvent
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return User.objects.create_user(email="boss@example.com")


def office(*permissions: str) -> Client:
    """Log in a person of staff who may do these things."""
    ensure_roles()  # makes the permissions that are our own
    person = User.objects.create_user(email=f"office{User.objects.count()}@example.com", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=["view_couponbatch", *permissions]))
    client = Client()
    client.force_login(person)
    return client


def test_the_table_holds_every_live_code_and_who_took_it_is_kept(boss: User):
    batch, alice = create_batch(prefix="CAFE"), create_customer(name="Alice")
    live = [issue_coupon(batch=batch), issue_coupon(batch=batch, customer=alice)]
    used = issue_coupon(batch=batch)
    redemption.redeem(coupon=used, request_key="till:1", now=NOON)
    issue_coupon()
    rows = list(code_files.export(batch=batch, by=boss, now=NOON))
    assert [row[:3] for row in rows] == [
        (coupons.code_of(live[0]), None, "active"), (coupons.code_of(live[1]), alice.member_number, "active"),
    ]  # fmt: skip
    event = CouponEvent.objects.get(kind="exported")
    assert (event.batch, event.coupon, event.by, event.count) == (batch, None, boss, 2)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_sheets_are_a_pdf_of_ten_on_a_page(boss: User, language: str):
    batch = create_batch(
        name_zh="立减五元 <新春>", terms_en="Not with <other> offers & not on sale.\n" * 20, terms_zh="不与其他优惠同享。" * 60,
        ends_at=NOON.replace(year=2027),
    )  # fmt: skip
    for _number in range(11):
        issue_coupon(batch=batch)
    with translation.override(language), code_files.print_sheets(batch=batch, part=1, by=boss, now=NOON) as file:
        content = file.read()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", content)) == 2
    assert (b"STSong-Light" in content) == (language == "zh-hans")
    assert (CouponEvent.objects.get(kind="printed").count, CouponEvent.objects.get(kind="printed").by) == (11, boss)


def test_large_batches_are_printed_in_parts(boss: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(code_files, "PER_FILE", 2)
    batch = create_batch()
    for _number in range(3):
        issue_coupon(batch=batch)
    assert code_files.parts(batch=batch, now=NOON) == 2
    code_files.print_sheets(batch=batch, part=2, by=boss, now=NOON).close()
    assert CouponEvent.objects.get(kind="printed").count == 1
    for part in (0, 3):
        with pytest.raises(ValueError, match="no part"):
            code_files.print_sheets(batch=batch, part=part, by=boss, now=NOON)


def test_only_who_may_export_gets_codes():
    batch = create_batch()
    coupon = issue_coupon(batch=batch)
    url = reverse("admin:rewards_couponbatch_codes", args=[batch.pk])
    assert office("add_coupon").post(url, {"file": "csv"}).status_code == 403
    assert not CouponEvent.objects.exists()
    client = office("export_coupon")
    assert client.get(url).status_code == 200
    answer = client.post(url, {"file": "csv"})
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert (rows[0][0], rows[1][0]) == ("code", coupons.code_of(coupon))
    assert "no-store" in answer["Cache-Control"]
    assert client.post(url, {"file": "pdf", "part": 2}).status_code == 200  # the form again: no such part
    sheets = client.post(url, {"file": "pdf", "part": 1})
    assert (sheets["Content-Type"], sheets.getvalue()[:4]) == ("application/pdf", b"%PDF")
    assert sorted(CouponEvent.objects.values_list("kind", flat=True)) == ["exported", "printed"]


def test_a_code_for_many_is_chosen_in_the_admin():
    batch = create_batch(uses_per_coupon=100)
    url = reverse("admin:rewards_couponbatch_words", args=[batch.pk])
    client = office("add_coupon")
    assert client.post(url, {"text": "été"}).status_code == 200
    assert client.post(url, {"text": "summer sale"}).status_code == 302
    assert coupons.find("Summer-Sale").batch == batch
    assert client.post(
        reverse("admin:rewards_couponbatch_words", args=[create_batch().pk]), {"text": "SUMMERSALE"}
    ).context["form"].errors == {"text": ["The code SUMMERSALE stands for another offer already."]}


def test_the_history_of_a_coupon_tells_everything_in_order(boss: User):
    batch = CouponBatch.objects.get(pk=create_batch().pk)
    coupon = coupons.issue(batch=batch, customer=None, source="test", now=NOON, by=boss)
    coupons.see(coupon=coupon, now=NOON.replace(minute=1))
    coupons.see(coupon=coupon, now=NOON.replace(minute=59))
    redemption.reserve(coupon=coupon, key="a", now=NOON.replace(minute=2), by=boss)
    redemption.reserve(coupon=coupon, key="a", now=NOON.replace(minute=3))
    redemption.release(coupon=coupon, key="a", now=NOON.replace(minute=4))
    use = redemption.redeem(coupon=coupon, request_key="r", now=NOON.replace(minute=5))
    redemption.give_back(use=use, return_key="b", now=NOON.replace(minute=6), by=boss)
    coupons.hide(coupon=coupon, now=NOON.replace(minute=7))
    coupons.unhide(coupon=coupon, now=NOON.replace(minute=8))
    list(code_files.export(batch=batch, by=boss, now=NOON.replace(minute=9)))
    coupons.void(coupon=coupon, reason="lost", now=NOON.replace(minute=10), by=boss)
    coupon.refresh_from_db()
    found = coupon_history.history_of(coupon=coupon)
    assert [(one.at.minute, str(one.what)) for one in found] == [
        (0, "issued"), (1, "opened by the customer"), (2, "reserved"), (4, "released"), (5, "redeemed"), (6, "taken back"),
        (7, "put away"), (8, "taken out again"), (9, "codes exported"), (10, "voided"),
    ]  # fmt: skip
    assert [one.by for one in found if one.by] == [boss] * 5
    assert found[-1].note == "lost"

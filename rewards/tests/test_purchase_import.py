"""Purchases from a file: whole receipts with their points, every bad line by number, a second run changing nothing."""

import csv
import datetime as dt
import io
import random

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.utils import translation

from customers import merging
from customers.models import Category, Product, Purchase, PurchaseLine, Store
from rewards import checkout, proof, sale
from rewards.models import PointBalance, PointTransaction
from rewards.purchase_import import import_purchases
from rewards.tests import broken_purchases
from rewards.tests.factories import create_customer, create_rule, create_store

NOW = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)
HEADER = "store,reference,member_number,occurred_at,sku,product,category,quantity,unit_price,discount\n"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def main_store() -> Store:
    create_rule()
    return create_store(code="main", time_zone="Europe/Berlin")


def take(text: str, *, is_dry_run: bool = False):
    return import_purchases(file=io.BytesIO((HEADER + text).encode()), is_dry_run=is_dry_run, now=NOW)


def faults(report) -> list[tuple[int, str]]:
    return [(fault.line, fault.field) for fault in report.faults()]


def row(
    reference: str, *, member: str = "A1", time: str = "2026-03-10T12:00:00Z", sku: str = "tea", price: str = "10.00"
) -> str:
    return f"main,{reference},{member},{time},{sku},Green tea,Drinks,1,{price},\n"


def everything() -> list[list[tuple]]:
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (Purchase, PurchaseLine, Product, PointTransaction, PointBalance)
    ]


def test_a_receipt_is_recorded_with_lines_products_and_points():
    alice = create_customer(member_number="A1")
    report = take(
        "main,R1,A1,2026-03-10T12:00:00,tea,Green tea,Drinks,2,10.50,1.25\n"
        "main,R1,A1,2026-03-10T12:00:00,cup,Cup,,1,4.00,\n"
    )
    purchase = Purchase.objects.get()
    assert (purchase.customer, purchase.total, purchase.occurred_at) == (
        alice,
        2375,
        dt.datetime(2026, 3, 10, 11, tzinfo=dt.UTC),
    )
    assert list(
        purchase.lines.order_by("position").values_list("product__sku", "quantity", "unit_price", "discount", "total")
    ) == [
        ("tea", 2, 1050, 125, 1975),
        ("cup", 1, 400, 0, 400),
    ]
    assert set(Product.objects.values_list("sku", "name_en", "category__name_en")) == {
        ("tea", "Green tea", "Drinks"),
        ("cup", "Cup", None),
    }
    assert alice.balance.active == 23
    assert PointTransaction.objects.get().source == purchase.source
    assert (report.counts["lines"], report.counts["new"], faults(report)) == (2, 1, [])


def test_rows_of_a_receipt_need_not_be_neighbours_and_receipts_are_recorded_by_time():
    create_customer(member_number="A1")
    rows = [
        row(f"R{n:03}", time=f"2026-03-{n % 28 + 1:02}T12:00:00Z", sku=f"s{line}")
        for n in range(100)
        for line in range(5)
    ]
    random.Random(1).shuffle(rows)
    take("".join(rows))
    assert Purchase.objects.count() == 100
    assert PurchaseLine.objects.count() == 500
    times = list(PointTransaction.objects.order_by("sequence").values_list("occurred_at", flat=True))
    assert times == sorted(times)


def test_a_second_run_changes_nothing():
    create_customer(member_number="A1")
    text = row("R1") + row("R2", member="nobody") + row("R1", sku="cup")
    take(text)
    before = everything()
    report = take(text)
    assert everything() == before
    assert (report.counts["new"], report.counts["unchanged"], report.counts["products"], faults(report)) == (
        0,
        2,
        0,
        [],
    )


def test_a_receipt_of_the_till_is_the_same_receipt():
    alice, tea = create_customer(member_number="A1"), Product.objects.create(sku="tea", name_en="Tea")
    checkout.record_purchase(
        store=Store.objects.get(), reference="R1", customer=alice, occurred_at=dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC),
        lines=[sale.SoldLine(tea, 1, 1000)],
    )  # fmt: skip
    report = take(row("R1"))
    assert (report.counts["unchanged"], faults(report)) == (1, [])


def test_a_guest_earns_nothing_and_stays_a_guest_when_enrolled_later():
    report = take(row("R1", member="A1") + row("R2", member=""))
    assert (report.counts["guests"], PointTransaction.objects.count()) == (2, 0)
    create_customer(member_number="A1")
    report = take(row("R1", member="A1"))
    assert (report.counts["unchanged"], PointTransaction.objects.count()) == (1, 0)


def test_members_who_were_merged_or_erased_are_found_as_what_they_are_now():
    alice = create_customer(member_number="A1")
    create_customer(member_number="A2", merged_into=alice)
    create_customer(member_number="A3", erased_at=NOW)
    take(row("R1", member="A2") + row("R2", member="A3"))
    assert list(Purchase.objects.order_by("reference").values_list("customer", flat=True)) == [alice.pk, None]


def test_a_receipt_of_between_a_merge_and_its_undo_is_the_same_receipt():
    kept, duplicate = create_customer(member_number="A1"), create_customer(member_number="A2")
    merge = merging.merge(kept=kept, duplicate=duplicate, by=None, now=NOW)
    text = row("R1", member="A2")
    take(text)
    merging.undo(merge=merge, by=None, now=NOW)
    report = take(text)
    assert (report.counts["unchanged"], faults(report)) == (1, [])
    assert Purchase.objects.get().customer == kept
    assert faults(take(row("R1", member="A2", price="9.99"))) != []


def test_a_receipt_of_before_a_merge_is_the_same_receipt():
    kept, duplicate = create_customer(member_number="A1"), create_customer(member_number="A2")
    text = row("R1", member="A2")
    take(text)
    merging.merge(kept=kept, duplicate=duplicate, by=None, now=NOW)
    report = take(text)
    assert (report.counts["unchanged"], faults(report), PointTransaction.objects.filter(kind="earn").count()) == (
        1,
        [],
        1,
    )


def test_a_dry_run_counts_the_same_and_writes_nothing():
    create_customer(member_number="A1")
    take(row("R1"))
    before = everything()
    report = take(
        row("R1") + row("R2") + row("R3", price="x") + row("R1", sku="cup").replace("R1", "R4"), is_dry_run=True
    )
    assert everything() == before
    assert (report.counts["new"], report.counts["unchanged"], report.counts["products"], faults(report)) == (
        2,
        1,
        1,
        [(4, "unit_price")],
    )


def test_known_products_and_categories_stay_as_they_are():
    Product.objects.create(
        sku="tea", name_en="Sencha", category=Category.objects.create(code="leaf", name_en="Leaf tea")
    )
    take(row("R1"))
    assert list(Product.objects.values_list("name_en", "category__code")) == [("Sencha", "leaf")]


def test_a_bad_line_holds_its_whole_receipt_back_wherever_it_stands():
    take(row("R1") + row("R2", price="") + row("R2", sku="cup") + row("R1", sku="cup", price="-1") + row("R3"))
    assert list(Purchase.objects.values_list("reference", flat=True)) == ["R3"]


def test_good_lines_of_a_bad_receipt_say_which_line_is_bad():
    report = take(row("R1") + row("R1", sku="cup", price="-1"))
    assert [(fault.line, fault.reason) for fault in report.faults()] == [
        (2, "Not imported, because line 3 of the same receipt is bad."),
        (3, "“-1” is not an amount such as 1234.50."),
    ]


def test_a_bad_line_alone_of_a_recorded_receipt_changes_nothing():
    take(row("R1"))
    before = everything()
    assert faults(take(row("R1", price="x"))) == [(2, "unit_price")]
    assert everything() == before


def test_a_thousand_broken_rows_are_each_reported_and_the_good_ones_kept(tmp_path):
    for number in range(7):
        create_customer(member_number=f"M{number}")
    earlier, broken, described = broken_purchases.build(tmp_path, broken=1000)
    with earlier.open("rb") as file:
        assert faults(import_purchases(file=file, now=NOW)) == []
    with broken.open("rb") as file:
        report = import_purchases(file=file, now=NOW)
    assert len(described.broken) >= 1000
    assert len(set(described.broken.values())) >= 70
    reported = {fault.line for fault in report.faults()}
    missed = {line: kind for line, kind in described.broken.items() if line not in reported}
    assert missed == {}
    assert reported == described.broken.keys() | described.held_back
    kept = Purchase.objects.filter(reference__in=described.good_references)
    assert kept.count() == len(described.good_references) == Purchase.objects.count() - 200
    assert PurchaseLine.objects.filter(purchase__in=kept).count() == described.good_lines
    assert kept.aggregate(sum=Sum("total"))["sum"] == described.good_total
    assert proof.prove().is_balanced


def test_the_broken_file_is_reported_in_chinese_as_well(tmp_path):
    __, broken, __ = broken_purchases.build(tmp_path, broken=100)
    with translation.override("zh-hans"), broken.open("rb") as file:
        reasons = {fault.reason for fault in import_purchases(file=file, now=NOW).faults()}
    assert [reason for reason in reasons if not any("\u4e00" <= character <= "\u9fff" for character in reason)] == []


def test_an_import_that_is_cut_off_is_simply_run_again(monkeypatch):
    create_customer(member_number="A1")
    text = "".join(row(f"R{n}", sku=f"s{n}") for n in range(50))
    monkeypatch.setattr("rewards.purchase_import.CHUNK_LINES", 20)

    def stop(done: int, total: int) -> None:
        if Purchase.objects.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_purchases(file=io.BytesIO((HEADER + text).encode()), now=NOW, progress=stop)
    assert 0 < Purchase.objects.count() < 50
    assert take(text).counts["new"] > 0
    assert Purchase.objects.count() == 50
    assert PointBalance.objects.get().active == 500


def test_thousands_take_a_bounded_number_of_queries(django_assert_max_num_queries):
    for n in range(20):
        create_customer(member_number=f"M{n}")
    text = "".join(row(f"R{n}", member=f"M{n % 20}", sku=f"s{n % 100}") for n in range(3000))
    with django_assert_max_num_queries(40):
        assert take(text).counts["new"] == 3000


def test_the_command_shows_counts_and_bad_lines(tmp_path, capsys):
    create_customer(member_number="A1")
    file = tmp_path / "purchases.csv"
    file.write_text(HEADER + row("R1") + row("R2").replace("main", "nowhere"), encoding="utf-8")
    call_command("import_purchases", str(file), "--dry-run")
    assert not Purchase.objects.exists()
    call_command("import_purchases", str(file), "--errors", str(tmp_path / "bad.csv"))
    out = capsys.readouterr().out
    assert "line 3: store: There is no store with the code “nowhere”; create it first." in out
    assert "New receipts: 1" in out
    with (tmp_path / "bad.csv").open(encoding="utf-8-sig", newline="") as bad:
        assert [line["line"] for line in csv.DictReader(bad)] == ["3"]


def test_rows_written_in_bulk_look_like_rows_of_the_orm():
    """What SQLite keeps is text: it must be the text that Django itself would write."""
    create_customer(member_number="A1")
    take(row("R1"))
    assert Purchase.objects.filter(occurred_at=dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)).exists()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT CAST(occurred_at AS TEXT) FROM customers_purchase")
            assert cursor.fetchone() == ("2026-03-10 12:00:00",)


@pytest.mark.long
def test_a_hundred_thousand_broken_rows_are_each_reported(tmp_path):
    __, broken, described = broken_purchases.build(tmp_path, broken=100_000)
    with broken.open("rb") as file:
        reported = {fault.line for fault in import_purchases(file=file, is_dry_run=True, now=NOW).faults()}
    new_here = {line for line, kind in described.broken.items() if kind not in broken_purchases.CONFLICTS}
    assert new_here <= reported
    assert len(new_here) > 90_000

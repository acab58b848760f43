"""Goods that come back: the points left are those of what is kept, however many returns it took."""

import datetime as dt
from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.models import Category, Customer, Product, Purchase, Return
from rewards import checkout, ledger, proof, returns
from rewards.models import EarningRule, LotAllocation, PointBalance, PointLot, PointTransaction
from rewards.sale import SoldLine
from rewards.tests.factories import NOON, award, create_customer, create_rule, create_store, create_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
_numbers = count(1)


def buy(*lines: tuple[int, int], customer: Customer | None, discount: int = 0, **fields) -> Purchase:
    """Buy lines of (unit price, quantity), each of a product of its own."""
    categories = fields.pop("categories", [None] * len(lines))
    sold = [
        SoldLine(Product.objects.create(sku=f"sku-{next(_numbers)}", name_en="Thing", category=category), many, price)
        for (price, many), category in zip(lines, categories, strict=True)
    ]
    fields = {"store": fields.pop("store", None) or create_store(), "occurred_at": NOON, "reference": "R"} | fields
    return checkout.record_purchase(customer=customer, lines=sold, discount=discount, **fields)


def give_back(purchase: Purchase, quantities: dict[int, int], reference: str = "", *, days: int = 1) -> Return:
    return returns.refund(
        purchase=purchase,
        reference=reference or f"back-{next(_numbers)}",
        quantities=quantities,
        occurred_at=NOON + days * DAY,
    )


def spend(customer: Customer, points: int) -> PointTransaction:
    return ledger.redeem(customer=customer, points=points, source=f"reward:{next(_numbers)}", occurred_at=NOON)


def balance(customer: Customer) -> tuple[int, int, int]:
    row = PointBalance.objects.get(customer=customer)
    return row.pending, row.active, row.debt


@pytest.fixture
def alice() -> Customer:
    create_rule()
    return create_customer()


# docs/points.md#refunds


def test_a_return_of_everything_takes_back_every_point(alice):
    purchase = buy((1_050, 1), (250, 2), customer=alice)
    row = give_back(purchase, {1: 1, 2: 2})
    assert balance(alice) == (0, 0, 0)
    assert (row.total, row.purchase) == (1_550, purchase)
    reversal = PointTransaction.objects.get(kind="reverse")
    assert (reversal.points, reversal.source) == (15, row.source)
    assert reversal.reverses.source == purchase.source
    assert proof.prove().faults == []


@pytest.mark.parametrize(
    ("back", "kept"),
    [
        ([{2: 1}], 8),  # 8.99
        ([{1: 1}], 5),  # 5.00
        ([{1: 1}, {2: 1}], 0),
        ([{2: 1}, {1: 1}], 0),
    ],
)
def test_a_partial_return_leaves_what_the_kept_part_earns(alice, back: list[dict], kept: int):
    purchase = buy((899, 1), (500, 1), customer=alice)  # 13.99
    assert balance(alice) == (0, 13, 0)
    for quantities in back:
        give_back(purchase, quantities)
    assert balance(alice) == (0, kept, 0)
    assert proof.prove().faults == []


def test_many_small_returns_end_where_one_return_ends(alice):
    one, many = create_customer(name="One"), create_customer(name="Many")
    whole, pieces = buy((333, 7), customer=one), buy((333, 7), customer=many)  # 23.31
    give_back(whole, {1: 5})
    for _ in range(5):
        give_back(pieces, {1: 1})
    assert balance(one) == balance(many) == (0, 6, 0)  # 6.66
    assert sum(row.total for row in pieces.returns.all()) == whole.returns.get().total == 1_665


def test_a_discount_on_the_receipt_stays_shared_out_as_it_was(alice):
    purchase = buy((1_000, 1), (500, 1), customer=alice, discount=150)  # 9.00 and 4.50
    assert balance(alice) == (0, 13, 0)
    give_back(purchase, {2: 1})
    assert balance(alice) == (0, 9, 0)


def test_a_visit_is_kept_with_the_last_thing_kept():
    create_rule(key="visit", kind="visit", points=5)
    alice = create_customer()
    purchase = buy((100, 2), customer=alice)
    give_back(purchase, {1: 1})
    assert balance(alice) == (0, 5, 0)
    give_back(purchase, {1: 1})
    assert balance(alice) == (0, 0, 0)


def test_items_that_come_back_take_their_points_along():
    alice, store = create_customer(), create_store()
    create_rule(key="item", kind="item", points=20)
    purchase = buy((100, 3), customer=alice, store=store)
    give_back(purchase, {1: 2})
    assert balance(alice) == (0, 20, 0)


def test_a_basket_that_falls_below_the_minimum_loses_what_hung_on_it(alice):
    create_rule(key="big", kind="visit", points=100, minimum_basket=2_000)
    purchase = buy((1_500, 1), (500, 2), customer=alice)
    assert balance(alice) == (0, 125, 0)
    give_back(purchase, {2: 1})
    assert balance(alice) == (0, 120, 0)
    give_back(purchase, {2: 1})
    assert balance(alice) == (0, 15, 0)


def test_a_return_worth_less_than_a_point_takes_none(alice):
    purchase = buy((999, 1), (1, 50), customer=alice)  # 10.49
    give_back(purchase, {2: 49})
    assert balance(alice) == (0, 10, 0)
    give_back(purchase, {2: 1})
    assert balance(alice) == (0, 9, 0)
    assert PointTransaction.objects.filter(kind="reverse").count() == 1


def test_a_guests_return_is_recorded_without_points():
    create_rule()
    purchase = buy((1_000, 1), customer=None)
    assert give_back(purchase, {1: 1}).total == 1_000
    assert not PointTransaction.objects.exists()


# The rules as they were


def test_a_return_computes_with_the_rules_of_the_day_of_purchase(alice):
    purchase = buy((1_000, 2), customer=alice)
    old = EarningRule.objects.get()
    EarningRule.objects.filter(pk=old.pk).update(retired_at=NOON)
    create_rule(version=2, points=5)
    create_rule(key="double", kind="multiplier", points=0, multiplier=20_000)
    assert balance(alice) == (0, 20, 0)
    give_back(purchase, {1: 1})
    assert balance(alice) == (0, 10, 0)


def test_multipliers_of_the_day_of_purchase_hold_for_what_is_kept(alice):
    double = create_rule(key="tuesday", kind="multiplier", points=0, multiplier=20_000, weekdays="2")
    purchase = buy((1_000, 2), customer=alice)
    EarningRule.objects.filter(pk=double.pk).update(retired_at=NOON)
    assert balance(alice) == (0, 40, 0)
    give_back(purchase, {1: 1}, days=2)  # a Thursday
    assert balance(alice) == (0, 20, 0)


def test_a_product_that_moved_to_another_category_keeps_what_it_earned(alice):
    coffee, tea = (Category.objects.create(code=code, name_en=code) for code in ("coffee", "tea"))
    create_rule(key="coffee", points=4, category=coffee)
    create_rule(key="double-tea", kind="multiplier", points=0, multiplier=20_000, category=tea)
    purchase = buy((1_000, 1), (500, 1), (300, 1), customer=alice, categories=[coffee, tea, None])
    assert balance(alice) == (0, 10 + 40 + 10 + 3, 0)
    Product.objects.update(category=None)
    give_back(purchase, {3: 1})
    assert balance(alice) == (0, 10 + 40 + 10, 0)
    Product.objects.update(category=coffee)
    give_back(purchase, {1: 1})
    assert balance(alice) == (0, 10, 0)


def test_a_store_whose_time_zone_was_corrected_takes_no_weekday_back(alice):
    create_rule(key="tuesday", kind="multiplier", points=0, multiplier=20_000, weekdays="2")
    store = create_store(time_zone="Europe/Berlin")
    late = dt.datetime(2026, 3, 10, 22, tzinfo=dt.UTC)  # Tuesday in Berlin, Wednesday in Shanghai
    buy((1_000, 2), customer=alice, store=store, occurred_at=late)
    assert balance(alice) == (0, 40, 0)
    store.time_zone = "Asia/Shanghai"
    store.save()
    give_back(Purchase.objects.get(), {1: 1})
    assert balance(alice) == (0, 20, 0)


# Where the points come from: the purchase's own lot, the other lots, debt


def test_pending_points_of_the_purchase_go_first():
    create_rule(expiry="never")
    alice, later = create_customer(), dt.datetime(2126, 3, 10, 12, tzinfo=dt.UTC)
    award(alice, 50)
    purchase = buy((1_000, 2), customer=alice, store=create_store(pending_days=7), occurred_at=later)
    assert balance(alice) == (20, 50, 0)
    returns.refund(purchase=purchase, reference="1", quantities={1: 1}, occurred_at=later + DAY)
    assert balance(alice) == (10, 50, 0)


def test_then_the_purchases_own_active_points_then_those_that_expire_first(alice):
    purchase = buy((2_000, 1), customer=alice)
    late = award(alice, 20, expires_at=NOON + 90 * DAY)
    soon = award(alice, 20, expires_at=NOON + 30 * DAY)
    spend(alice, 25)  # all that ends soon, and 5 of what ends late
    give_back(purchase, {1: 1})
    left = dict(PointLot.objects.values_list("transaction__source", "remaining"))
    assert left == {purchase.source: 0, late.source: 15, soon.source: 0}
    another = buy((1_000, 1), customer=alice, reference="R2")
    spend(alice, 20)  # 15 of what ends late, 5 of the new lot
    give_back(another, {1: 1})
    assert balance(alice) == (0, 0, -5)
    assert proof.prove().faults == []


def test_points_that_still_wait_are_taken_before_a_debt_is_made(alice):
    purchase = buy((10_000, 1), customer=alice)
    later = dt.datetime(2126, 3, 10, 12, tzinfo=dt.UTC)
    award(alice, 30, at=later, activates_at=later + 7 * DAY)
    spend(alice, 90)
    give_back(purchase, {1: 1})
    # 10 were left of the purchase, 30 were waiting, 60 are owed: who owes points has none that could become spendable.
    assert balance(alice) == (0, 0, -60)
    ledger.settle_many(customer_ids=[alice.pk], now=later + 8 * DAY)
    assert balance(alice) == (0, 0, -60)
    next_one = buy((5_000, 1), customer=alice, reference="R2")
    assert balance(alice) == (0, 0, -10)
    give_back(next_one, {1: 1})
    assert balance(alice) == (0, 0, -60)
    assert proof.prove().faults == []


def test_a_debt_is_absorbed_by_what_comes_next(alice):
    purchase = buy((10_000, 1), customer=alice)
    spend(alice, 100)
    give_back(purchase, {1: 1})
    assert balance(alice) == (0, 0, -100)
    buy((3_000, 1), customer=alice, reference="R2")
    assert balance(alice) == (0, 0, -70)
    third = buy((9_000, 1), customer=alice, reference="R3")
    assert balance(alice) == (0, 20, 0)
    # What a debt swallowed was earned all the same: giving it back owes it again.
    give_back(third, {1: 1})
    assert balance(alice) == (0, 0, -70)
    assert proof.prove().faults == []


def test_a_purchase_swallowed_whole_by_a_debt_can_come_back_in_parts(alice):
    purchase = buy((10_000, 1), customer=alice)
    spend(alice, 100)
    give_back(purchase, {1: 1})
    second = buy((1_000, 3), customer=alice, reference="R2")
    assert balance(alice) == (0, 0, -70)
    for owed in (-80, -90, -100):
        give_back(second, {1: 1})
        assert balance(alice) == (0, 0, owed)
    assert proof.prove().faults == []


def test_a_morning_of_alices(alice):
    """The table of docs/points.md#the-accounts."""
    purchase = buy((10_000, 1), customer=alice)
    assert balance(alice) == (0, 100, 0)
    ledger.adjust(customer=alice, points=100, source="adjust:1", occurred_at=NOON, reason="goodwill", by=create_user())
    assert balance(alice) == (0, 200, 0)
    spend(alice, 180)
    assert balance(alice) == (0, 20, 0)
    give_back(purchase, {1: 1})
    assert balance(alice) == (0, 0, -80)
    buy((9_000, 1), customer=alice, reference="R2")
    assert balance(alice) == (0, 10, 0)
    moves = PointTransaction.objects.order_by("sequence").values_list("points", "from_account", "to_account")
    assert list(moves) == [
        (100, "issued", "active"), (100, "issued", "active"), (180, "active", "redeemed"), (20, "active", "reversed"),
        (80, "debt", "reversed"), (80, "issued", "debt"), (10, "issued", "active"),
    ]  # fmt: skip


# Once, and never too much


def test_the_same_return_again_is_the_same_return(alice):
    purchase = buy((1_000, 3), customer=alice)
    first = give_back(purchase, {1: 1}, "back")
    assert give_back(purchase, {1: 1}, "back") == first
    assert give_back(purchase, {1: 1, 2: 0}, "back") == first
    assert balance(alice) == (0, 20, 0)


def test_the_same_return_again_is_found_even_when_nothing_is_left_to_return(alice):
    purchase = buy((1_000, 1), customer=alice)
    assert give_back(purchase, {1: 1}, "back") == give_back(purchase, {1: 1}, "back")


def test_a_return_with_other_contents_is_a_conflict(alice):
    purchase = buy((1_000, 3), (100, 1), customer=alice)
    give_back(purchase, {1: 1}, "back")
    for other in ({1: 2}, {2: 1}, {1: 1, 2: 1}):
        with pytest.raises(returns.ReturnConflict), transaction.atomic():
            give_back(purchase, other, "back")
    assert balance(alice) == (0, 21, 0)


@pytest.mark.parametrize("back", [{1: 2}, {1: 1, 2: 2}, {2: 3}])
def test_more_than_was_bought_and_kept_cannot_come_back(alice, back: dict):
    purchase = buy((1_000, 2), (100, 2), customer=alice)
    give_back(purchase, {1: 1, 2: 1})
    with pytest.raises(returns.ReturnTooLarge) as refused, transaction.atomic():
        give_back(purchase, back)
    assert refused.value.quantity > refused.value.kept
    assert (balance(alice), Return.objects.count()) == ((0, 11, 0), 1)


@pytest.mark.parametrize("back", [{}, {1: 0}, {1: -1}, {1: 1, 2: -1}])
def test_a_return_of_nothing_or_less_is_refused(alice, back: dict):
    purchase = buy((1_000, 2), (100, 2), customer=alice)
    with pytest.raises(ValueError, match="above 0"):
        give_back(purchase, back)
    assert not Return.objects.exists()


def test_a_line_that_was_never_sold_cannot_come_back(alice):
    purchase = buy((1_000, 2), customer=alice)
    with pytest.raises(ValueError, match="line 9"), transaction.atomic():
        give_back(purchase, {9: 1})
    assert (balance(alice), Return.objects.count()) == ((0, 20, 0), 0)


# The property: only what is kept counts


class History(NamedTuple):
    """Lines of (unit price, quantity), a discount on the receipt, returns, and the day's cap, if there is one."""

    lines: list[tuple[int, int]]
    discount: int
    backs: list[dict[int, int]]
    most: int | None


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw a purchase and returns that never ask for more than is kept."""
    lines = draw(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 4)), min_size=1, max_size=4))
    discount = draw(st.integers(0, sum(price * many for price, many in lines)))
    left = {position: many for position, (__, many) in enumerate(lines, 1)}
    backs = []
    for _ in range(draw(st.integers(1, 5))):
        back = {position: draw(st.integers(0, many)) for position, many in left.items()}
        if any(back.values()):
            backs.append(back)
            left = {position: many - back[position] for position, many in left.items()}
    return History(lines, discount, backs, draw(st.none() | st.integers(1, 1_000)))


def total_of(backs: Iterable[dict[int, int]], lines: int) -> dict[int, int]:
    return {position: sum(back.get(position, 0) for back in backs) for position in range(1, lines + 1)}


def hold_the_property(history: History) -> None:
    lines, discount, backs, most = history
    with transaction.atomic():
        gifts = Category.objects.create(code="gifts", name_en="Gift cards")
        create_rule(key="gifts", kind="exclusion", points=0, category=gifts)
        if most:
            create_rule(key="most", kind="cap", points=most, cap_per="customer_day")
        coffee = Category.objects.create(code="coffee", name_en="Coffee")
        create_rule(per_amount=7, points=3)
        create_rule(key="coffee", points=1, per_amount=1, category=coffee)
        create_rule(key="visit", kind="visit", points=5, minimum_basket=300)
        create_rule(key="double", kind="multiplier", points=0, multiplier=12_345, category=coffee)
        categories = [[None, coffee, gifts][number % 3] for number in range(len(lines))]
        results = []
        for name, plan in (("split", backs), ("whole", [total_of(backs, len(lines))] if backs else [])):
            customer = create_customer(name=name)
            purchase = buy(*lines, customer=customer, discount=discount, categories=categories)
            awarded = sum(PointTransaction.objects.filter(customer=customer).values_list("points", flat=True))
            for back in plan:
                give_back(purchase, back)
            row = PointBalance.objects.filter(customer=customer).first()
            results.append((row.active, row.debt) if row else (0, 0))
            taken = PointTransaction.objects.filter(customer=customer, kind="reverse").values_list("points", flat=True)
            assert 0 <= sum(taken) <= awarded <= (most or awarded)
        assert results[0] == results[1]
        if total_of(backs, len(lines)) == {position: many for position, (__, many) in enumerate(lines, 1)}:
            assert results[0] == (0, 0)
        assert proof.prove().faults == []
        transaction.set_rollback(True)


QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@settings(max_examples=30, **QUIET)
@given(histories())
def test_any_split_of_a_return_ends_where_the_whole_return_ends(history):
    hold_the_property(history)


@pytest.mark.long
@settings(max_examples=5_000, **QUIET)  # more than 10,000 returns
@given(histories())
def test_any_split_of_a_return_ends_where_the_whole_return_ends_thousands_of_times(history):
    hold_the_property(history)


def test_one_cent_of_rounding_cannot_make_two_returns_take_more_than_one(alice):
    """The discount moves by a cent between the lines that are left when the shares are computed anew."""
    coffee = Category.objects.create(code="coffee", name_en="Coffee")
    EarningRule.objects.update(retired_at=NOON)
    create_rule(key="coffee", per_amount=1, category=coffee)
    found = set()
    for backs in ([{2: 1}, {3: 1}], [{3: 1}, {2: 1}], [{2: 1, 3: 1}]):
        customer = create_customer()
        categories = [coffee, None, None]
        purchase = buy((1, 1), (3, 1), (3, 1), customer=customer, discount=4, categories=categories)
        for back in backs:
            give_back(purchase, back)
        found.add(balance(customer))
    assert len(found) == 1


# Spent points that come back


@pytest.mark.parametrize(
    ("backs", "balances"),
    [
        ([{1: 1}, {1: 1}, {1: 1}], [34, 66, 100]),
        ([{1: 2}, {1: 1}], [66, 100]),
        ([{1: 3}], [100]),
    ],
)
def test_goods_paid_with_points_give_these_back_by_share(alice, backs: list[dict], balances: list[int]):
    """100 points pay 1.00 of 3 x 1.00, and the 2.00 paid in money earn 2 points, of which 1 is kept with two pieces."""
    award(alice, 100)
    purchase = buy((100, 3), customer=alice, points=100)
    assert (purchase.paid_by_points, balance(alice)) == (100, (0, 2, 0))
    for back, expected in zip(backs, balances, strict=True):
        give_back(purchase, back)
        assert balance(alice) == (0, expected, 0)
    assert proof.prove().faults == []


@pytest.fixture
def spent(alice) -> PointTransaction:
    """Alice spends 90 of three lots: 40 until day 10, 40 until day 20, 10 of 50 for ever."""
    award(alice, 50, source="forever")
    award(alice, 40, expires_at=NOON + 20 * DAY, source="late")
    award(alice, 40, expires_at=NOON + 10 * DAY, source="early")
    return spend(alice, 90)


def restore(
    spent: PointTransaction, points: int, *, days: int = 1, told: int | None = None, source: str = ""
) -> list[PointTransaction]:
    """Give points back so many days after the spending, written down on the same day or on the one that is told."""
    with time_machine.travel(NOON + (days if told is None else told) * DAY, tick=False):
        return ledger.restore(
            spent=spent, points=points, source=source or f"undo:{next(_numbers)}", occurred_at=NOON + days * DAY
        )


def remaining() -> dict[str, int]:
    return {lot.transaction.source: lot.remaining for lot in PointLot.objects.filter(remaining__gt=0)}


@pytest.mark.parametrize("parts", [[90], [45, 45], [10, 40, 40], [7] * 12 + [6]], ids=str)
def test_spent_points_come_back_to_their_lots(alice, spent, parts: list[int]):
    for points in parts:
        restore(spent, points)
    assert remaining() == {"forever": 50, "late": 40, "early": 40}
    assert balance(alice) == (0, 130, 0)
    assert proof.prove().faults == []


def test_a_part_comes_back_to_the_lot_that_was_drawn_last(alice, spent):
    restore(spent, 25)
    assert remaining() == {"forever": 50, "late": 15}


def test_what_expired_meanwhile_comes_back_for_thirty_days(alice, spent, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    (row,) = restore(spent, 90, days=15, source="undo")
    assert remaining() == {"forever": 50, "late": 40, "undo": 40}
    # Returned on 25 March: through 24 April, in summer time by then.
    assert row.lot.expires_at == dt.datetime(2026, 4, 24, 22, tzinfo=dt.UTC)
    ledger.settle_many(customer_ids=[alice.pk], now=row.lot.expires_at)
    assert balance(alice) == (0, 50, 0)
    assert proof.prove().faults == []


def test_a_return_recorded_after_the_expiry_run_does_not_wake_an_expired_lot(alice):
    award(alice, 100, expires_at=NOON + 10 * DAY)
    spent = spend(alice, 40)
    ledger.settle_many(customer_ids=[alice.pk], now=NOON + 11 * DAY)  # 60 expire
    restore(spent, 40, days=5, told=11)
    assert balance(alice) == (0, 40, 0)
    ledger.settle_many(customer_ids=[alice.pk], now=NOON + 12 * DAY)
    assert balance(alice) == (0, 40, 0)
    ledger.settle_many(customer_ids=[alice.pk], now=NOON + 90 * DAY)
    assert balance(alice) == (0, 0, 0)
    assert proof.prove().faults == []


@pytest.mark.parametrize("days", [5, 15])
def test_a_return_that_is_told_late_gives_thirty_days_from_then(alice, days):
    """Spent whole, so that no expiry of the lot stands in the books; it ended on day 10, and nobody told until day 60."""
    award(alice, 40, expires_at=NOON + 10 * DAY)
    (row,) = restore(spend(alice, 40), 40, days=days, told=60)
    assert NOON + 90 * DAY < row.lot.expires_at < NOON + 92 * DAY
    ledger.settle_many(customer_ids=[alice.pk], now=NOON + 60 * DAY)
    assert balance(alice) == (0, 40, 0)
    assert proof.prove().faults == []


def test_more_than_was_spent_never_comes_back(alice, spent):
    restore(spent, 60)
    with pytest.raises(ledger.ReversalTooLarge), transaction.atomic():
        restore(spent, 31)
    assert balance(alice) == (0, 100, 0)


def test_the_same_cause_gives_back_once(alice, spent):
    first = restore(spent, 50, source="undo")
    assert restore(spent, 50, source="undo") == first
    assert balance(alice) == (0, 90, 0)


@pytest.mark.parametrize("points", [49, 51])
def test_the_same_cause_with_other_points_is_a_conflict(alice, spent, points: int):
    restore(spent, 50, source="undo")
    with pytest.raises(ledger.SourceConflict), transaction.atomic():
        restore(spent, points, source="undo")


def test_the_same_cause_for_another_payment_is_a_conflict(alice, spent):
    other = spend(alice, 20)
    restore(spent, 20, source="undo")
    with pytest.raises(ledger.SourceConflict), transaction.atomic():
        restore(other, 20, source="undo")
    assert balance(alice) == (0, 40, 0)


def test_points_that_come_back_pay_a_debt_first_and_the_split_does_not_matter(alice):
    found = []
    for parts in ([50, 50], [100], [10, 90]):
        customer = create_customer()
        key = customer.pk
        first = award(customer, 60, expires_at=NOON + 10 * DAY, source=f"early:{key}")
        award(customer, 40, expires_at=NOON + 20 * DAY, source=f"late:{key}")
        spent = spend(customer, 100)
        ledger.reverse_award(award=first, points=30, source=f"return:{key}", occurred_at=NOON)
        assert balance(customer) == (0, 0, -30)
        for points in parts:
            restore(spent, points)
        assert balance(customer) == (0, 70, 0)
        found.append(list(customer.point_lots.order_by("pk").values_list("remaining", flat=True)))
    assert found == [[30, 40]] * 3
    assert proof.prove().faults == []


def test_lots_and_allocations_agree_after_all_that(alice, spent):
    restore(spent, 30)
    spend(alice, 60)
    for lot in PointLot.objects.all():
        moved = sum(LotAllocation.objects.filter(lot=lot).values_list("points", flat=True))
        assert lot.points + moved == lot.remaining

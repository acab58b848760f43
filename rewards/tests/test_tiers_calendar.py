"""The daily run and tiers: up unnoticed, kept anew, warned, one step down; again changes nothing."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from customers import notices
from customers.models import Notice
from rewards import checkout, daily, proof, tier_calendar, tiers
from rewards.models import Tier, TierMembership
from rewards.sale import Receipt, SoldLine
from rewards.tests.factories import award, create_customer, create_user
from rewards.tests.tier_factories import DAY, NOON, bring_back, buy, create_tiers, history, open_shop, tier_of

pytestmark = pytest.mark.django_db
# docs/points.md#tiers: reached on 10 March 2026, kept through 31 March 2027, warned that night, grace through 30 April.
KEPT_UNTIL = dt.datetime(2027, 3, 31, 22, tzinfo=dt.UTC)
GRACE_UNTIL = dt.datetime(2027, 4, 30, 22, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def berlin(settings):
    settings.TIME_ZONE = "Europe/Berlin"


@pytest.fixture
def alice():
    open_shop()
    create_tiers()
    return create_customer(name="Alice", email="alice@example.com")


def mails() -> list[str]:
    return list(Notice.objects.order_by("queued_at").values_list("kind", flat=True))


def everything() -> list:
    return [*TierMembership.objects.order_by("pk").values_list(), *Notice.objects.order_by("pk").values_list()]


def nights(first: dt.datetime, count: int, *, every: int = 1) -> None:
    """Run at many nights, each twice; the second time changes nothing."""
    for night in range(0, count, every):
        daily.run(now=first + night * DAY)
        before = everything()
        assert daily.run(now=first + night * DAY) == 0
        assert everything() == before


def imported(customer, amount: int, *, at: dt.datetime = NOON) -> None:
    """Record a receipt as an import does, which leaves the tiers to the daily run."""
    line = buy(None, 0).lines.get()
    receipt = Receipt(
        store=line.purchase.store, reference=f"I{customer.pk}:{at}", customer_id=customer.pk, occurred_at=at,
        lines=[SoldLine(line.product, 1, amount)],
    )  # fmt: skip
    checkout.record_many([receipt])


def test_an_import_leads_to_its_tier_the_same_night(alice):
    imported(alice, 80_000)
    assert tier_of(alice) == ""
    assert daily.run(now=NOON + DAY) == 1
    assert (tier_of(alice), mails()) == ("house-guest", ["tier_reached"])
    assert TierMembership.objects.get().started_at == NOON + DAY
    assert daily.run(now=NOON + DAY) == 0
    assert mails() == ["tier_reached"]


def test_points_and_visits_are_looked_at_by_night_too():
    open_shop()
    Tier.objects.create(code="often", name_en="Often", rank=1, metric="visits", threshold=2)
    Tier.objects.create(code="rich", name_en="Rich", rank=2, metric="points", threshold=100)
    alice, bob, carol = (create_customer(name=name) for name in ("Alice", "Bob", "Carol"))
    imported(alice, 100)
    imported(alice, 100, at=NOON + MINUTE)
    award(bob, 100)
    imported(carol, 9_900)
    assert daily.run(now=NOON + DAY) == 2
    assert [tier_of(one) for one in (alice, bob, carol)] == ["often", "rich", ""]


def test_what_came_back_or_lies_too_far_back_leads_nowhere(alice):
    imported(alice, 30_000)
    bring_back(alice.purchases.get(), at=NOON + MINUTE)
    bob = create_customer(name="Bob")
    imported(bob, 30_000, at=NOON - 370 * DAY)
    assert daily.run(now=NOON + DAY) == 0
    assert TierMembership.objects.count() == 0


def test_an_erased_customer_goes_nowhere(alice):
    imported(alice, 30_000)
    alice.erased_at = NOON
    alice.save()
    assert daily.run(now=NOON + DAY) == 0


def test_the_year_of_a_tier_night_by_night(alice):
    buy(alice, 80_000)
    nights(NOON + DAY, 384, every=16)
    nights(KEPT_UNTIL - MINUTE, 1)
    assert mails() == ["tier_reached"]
    nights(KEPT_UNTIL, 30)
    row = TierMembership.objects.get()
    assert (row.grace_until, row.ended_at) == (GRACE_UNTIL, None)
    assert mails() == ["tier_reached", "tier_warning"]
    nights(GRACE_UNTIL - MINUTE, 1)
    assert tier_of(alice) == "house-guest"
    nights(GRACE_UNTIL, 2)
    assert history(alice) == [("house-guest", "reached", "stepped_down"), ("regular", "stepped_down", "")]
    assert mails() == ["tier_reached", "tier_warning", "tier_lowered"]
    row = TierMembership.objects.open().get()
    assert row.kept_until == tiers.kept_until(GRACE_UNTIL) == dt.datetime(2028, 5, 31, 22, tzinfo=dt.UTC)
    nights(GRACE_UNTIL + 2 * DAY, 395, every=30)
    assert tier_of(alice) == "regular"
    nights(dt.datetime(2028, 5, 31, 22, tzinfo=dt.UTC), 31)
    assert tier_of(alice) == ""
    assert proof.prove().faults == []


def test_who_reaches_it_again_keeps_it_without_a_word(alice):
    buy(alice, 30_000)
    buy(alice, 30_000, at=NOON + 100 * DAY)
    assert tier_calendar.lower_due(now=KEPT_UNTIL) == 1
    row = TierMembership.objects.get()
    assert row.kept_until == dt.datetime(2028, 3, 31, 22, tzinfo=dt.UTC)
    assert (row.grace_until, mails()) == (None, ["tier_reached"])


def test_the_year_that_counts_is_the_one_up_to_the_last_day(alice):
    buy(alice, 30_000, at=dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC))
    buy(alice, 20_000, at=dt.datetime(2026, 3, 31, 22, tzinfo=dt.UTC))  # 1 April 2026, 00:00
    buy(alice, 10_000, at=KEPT_UNTIL - MINUTE)
    daily.run(now=KEPT_UNTIL + 3 * DAY)
    assert TierMembership.objects.get().kept_until == dt.datetime(2028, 3, 31, 22, tzinfo=dt.UTC)


def test_reaching_it_in_the_grace_ends_the_grace_at_once(alice):
    buy(alice, 30_000)
    daily.run(now=KEPT_UNTIL)
    at = KEPT_UNTIL + 5 * DAY
    buy(alice, 30_000, at=at)
    row = TierMembership.objects.get()
    assert (row.grace_until, row.kept_until, row.qualified_at) == (None, tiers.kept_until(at), at)
    nights(GRACE_UNTIL, 2)
    assert tier_of(alice) == "regular"


def test_an_import_in_the_grace_is_seen_before_the_step_down(alice):
    buy(alice, 30_000)
    daily.run(now=KEPT_UNTIL)
    imported(alice, 30_000, at=GRACE_UNTIL - MINUTE)
    daily.run(now=GRACE_UNTIL)
    assert history(alice) == [("regular", "reached", "")]


def test_a_tier_kept_anew_by_what_came_back_falls_one_step(alice):
    buy(alice, 80_000)
    again = buy(alice, 80_000, at=KEPT_UNTIL - 5 * DAY)
    daily.run(now=KEPT_UNTIL)
    assert TierMembership.objects.get().kept_until > KEPT_UNTIL
    bring_back(again, at=KEPT_UNTIL + DAY)
    assert tier_of(alice) == "regular"


def test_after_days_of_silence_there_are_still_thirty_days_of_grace(alice):
    buy(alice, 80_000)
    late = KEPT_UNTIL + 40 * DAY
    nights(late, 1)
    row = TierMembership.objects.get()
    assert row.grace_until == dt.datetime(2027, 6, 9, 22, tzinfo=dt.UTC)
    nights(late + 29 * DAY, 1)
    assert tier_of(alice) == "house-guest"
    nights(late + 30 * DAY, 1)
    assert tier_of(alice) == "regular"


def test_a_run_that_breaks_off_is_taken_up_again(alice, monkeypatch):
    people = [create_customer(name=f"No {n}") for n in range(5)]
    for one in people:
        imported(one, 30_000)
    monkeypatch.setattr(tier_calendar, "CUSTOMERS_AT_ONCE", 2)
    rows = tier_calendar._risen(tiers.ladder(), NOON + DAY)
    tiers.go_up(customer_ids=next(rows), at=NOON + DAY)
    assert TierMembership.objects.count() == 2
    assert daily.run(now=NOON + DAY) == 3
    assert tier_calendar.lower_due(now=KEPT_UNTIL) == 5
    assert tier_calendar.lower_due(now=KEPT_UNTIL) == 0
    assert tier_calendar.lower_due(now=GRACE_UNTIL + DAY) == 5


def test_the_run_asks_as_often_for_many_as_for_few(alice):
    def counted(now: dt.datetime) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert daily.run(now=now) > 0
        return len(queries)

    def counted_with(newcomers: int) -> list[int]:
        TierMembership.objects.all().delete()
        for _number in range(newcomers):
            imported(create_customer(), 80_000)
        return [counted(now) for now in (NOON + DAY, KEPT_UNTIL, GRACE_UNTIL)]

    imported(alice, 80_000)
    counted_with(0)  # what happens once happens now
    few, many = counted_with(2), counted_with(20)
    assert max(after - before for before, after in zip(few, many, strict=True)) <= 3


def test_staff_alone_give_and_the_calendar_takes(alice):
    family = Tier.objects.create(code="family", name_en="Family", rank=3)
    tiers.grant(customer=alice, tier=family, note="x", by=create_user(), now=NOON)
    daily.run(now=KEPT_UNTIL)
    daily.run(now=GRACE_UNTIL)
    assert history(alice) == [("family", "granted", "stepped_down"), ("house-guest", "stepped_down", "")]


# Mails


def text_of(kind: str, language: str = "en") -> str:
    notice = Notice.objects.get(kind=kind)
    notice.customer.language = language
    mail = notices.compose(notice=notice, customer=notice.customer, email="alice@example.com")
    return f"{mail.subject}\n{mail.body}\n{mail.alternatives[0][0]}"


def test_the_mails_say_what_it_is_until_when_and_what_is_missing(alice):
    buy(alice, 80_000)
    buy(alice, 50_000, at=NOON + 100 * DAY)
    reached = text_of("tier_reached")
    assert "You are House guest at" in reached
    assert "25% more points" in reached
    assert "31 Mar 2027" in reached
    daily.run(now=KEPT_UNTIL)
    warning = text_of("tier_warning")
    for words in ("House guest", "€300.00", "30 Apr 2027", "Regular"):
        assert words in warning
    daily.run(now=GRACE_UNTIL)
    assert "You are Regular now" in text_of("tier_lowered")


def test_the_mails_speak_chinese(alice):
    buy(alice, 80_000)
    daily.run(now=KEPT_UNTIL)
    daily.run(now=GRACE_UNTIL)
    with translation.override("zh-hans"):
        for kind in ("tier_reached", "tier_warning", "tier_lowered"):
            assert "金卡会员" in text_of(kind, "zh-hans")
    assert "银卡会员" in text_of("tier_lowered", "zh-hans")


def test_a_mail_about_a_return_says_so(alice):
    bring_back(buy(alice, 30_000), at=NOON + DAY)
    lowered = text_of("tier_lowered")
    assert "came back" in lowered
    assert "You are Friend now" in lowered


def test_who_starts_in_no_tier_at_all_is_told_without_a_name(alice):
    Tier.objects.filter(rank=0).delete()
    bring_back(buy(alice, 30_000), at=NOON + DAY)
    assert "Regular" in text_of("tier_lowered")

"""Campaigns that wait for something to happen: what they find, when they ask, and what they leave alone."""

import datetime as dt
from itertools import count

import pytest
from django.db import connection

from customers.models import Customer, Product, Purchase, PurchaseLine, Return, ReturnLine, Store
from customers.tests.factories import create_store
from rewards.models import Tier, TierMembership
from rewards.tests.factories import award
from surveys import campaigns, mailing, proof, triggers
from surveys.models import Campaign, Case, ContactLogEntry, Message, Occasion, Run
from surveys.tests.factories import NOW, create_asker, create_campaign

pytestmark = pytest.mark.django_db
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
_receipts = count(1)


def coffee() -> Product:
    return Product.objects.get_or_create(sku="coffee", defaults={"name_en": "Coffee"})[0]


def purchase(customer: Customer, *, at: dt.datetime = NOW, store: Store | None = None) -> Purchase:
    bought = Purchase.objects.create(
        store=store or Store.objects.first() or create_store(code="counter"), reference=f"R{next(_receipts)}",
        customer=customer, occurred_at=at, recorded_at=at, total=500,
    )  # fmt: skip
    PurchaseLine.objects.create(purchase=bought, position=1, product=coffee(), quantity=1, unit_price=500, total=500)
    return bought


def triggered(trigger: str, **fields) -> Campaign:
    campaign = create_campaign(trigger=trigger, **fields)
    return campaigns.schedule(campaign=campaign, by=None, now=NOW)


def look(moment: dt.datetime) -> list[str]:
    """Let the hourly clock ring, twice, and return the causes that were considered by then."""
    for _twice in range(2):
        campaigns.follow_occasions(now=moment, is_thorough=True)
    found = Occasion.objects.filter(state="considered").order_by("occurred_at", "pk")
    return list(found.values_list("source", flat=True))


def test_a_purchase_is_asked_about_a_day_later_in_the_shop_and_a_week_later_on_the_web():
    triggered("purchase")
    alice, bob = create_asker(name="Alice"), create_asker(name="Bob")
    counter, web = create_store(code="shop"), create_store(code="web", kind="web")
    here, there = purchase(alice, store=counter), purchase(bob, store=web)
    purchase(create_asker(), at=NOW - HOUR)  # before the campaign began
    assert look(NOW + DAY - HOUR) == []
    assert look(NOW + DAY) == [f"purchase:{here.pk}"]
    assert look(NOW + 7 * DAY - HOUR) == [f"purchase:{here.pk}"]
    assert look(NOW + 7 * DAY) == [f"purchase:{here.pk}", f"purchase:{there.pk}"]
    assert list(Run.objects.order_by("pk").values_list("period_key", "phase")) == [
        ("2026-03-11", "sending"), ("2026-03-17", "sending"),
    ]  # fmt: skip
    [first, _second] = Message.objects.order_by("not_before")
    assert first.invitation.occasion.source == f"purchase:{here.pk}"
    assert first.wording.subject_en == "How was it?"


def test_the_same_purchase_is_found_once_however_late_it_is_imported_and_expires_when_too_late():
    triggered("purchase")
    alice, bob = create_asker(), create_asker()
    late, too_late = purchase(alice, at=NOW + 6 * DAY), purchase(bob, at=NOW + DAY)
    assert look(NOW + 20 * DAY) == [f"purchase:{late.pk}"]
    assert Occasion.objects.get(source=f"purchase:{too_late.pk}").state == "expired"
    assert look(NOW + 21 * DAY) == [f"purchase:{late.pk}"]
    assert (Occasion.objects.count(), Message.objects.count()) == (2, 1)


def test_what_came_back_whole_is_not_asked_about():
    triggered("purchase")
    kept, returned = purchase(create_asker()), purchase(create_asker())
    back = Return.objects.create(purchase=returned, reference="B1", occurred_at=NOW, total=500)
    ReturnLine.objects.create(return_of=back, line=returned.lines.get(), quantity=1, total=500)
    assert look(NOW + DAY) == [f"purchase:{kept.pk}"]
    assert Occasion.objects.get(source=f"purchase:{returned.pk}").state == "returned"


def test_two_purchases_of_a_day_are_one_mail_and_the_quarantine_keeps_the_next_week_quiet(sink):
    triggered("purchase")
    alice = create_asker(email="alice@shop.example")
    first, second = purchase(alice), purchase(alice, at=NOW + HOUR)
    assert look(NOW + DAY + HOUR) == [f"purchase:{first.pk}"]
    assert Occasion.objects.get(source=f"purchase:{second.pk}").state == "repeated"
    mailing.send_due(clock=lambda: NOW + DAY + HOUR)
    third = purchase(alice, at=NOW + 5 * DAY)
    look(NOW + 6 * DAY)
    assert Occasion.objects.get(source=f"purchase:{third.pk}").invitation.skip == "quarantine"
    assert len(sink.to("alice@shop.example")) == 1
    assert proof.all_of_it() == {}


@pytest.mark.parametrize(("days", "skip", "waited"), [(27, "quarantine", 7), (22, "", 6), (20, "", 4), (10, "", 0)])
def test_what_falls_into_the_quarantine_is_put_off_for_seven_days_at_most(sink, days, skip, waited):
    """A quarantine of so many days ends within the seven days or it does not."""
    alice = create_asker()
    triggered("purchase", on_quarantine="defer", quarantine_days=days)
    purchase(alice)
    look(NOW + DAY)
    mailing.send_due(clock=lambda: NOW + DAY)
    asked_at = NOW + DAY
    # Due sixteen days after the first mail: put off until the 23rd.
    again = purchase(alice, at=asked_at + 15 * DAY)
    for day in range(15, 25):
        look(asked_at + day * DAY)
    occasion = Occasion.objects.get(source=f"purchase:{again.pk}")
    assert (occasion.state, occasion.invitation.skip) == ("considered", skip)
    due = asked_at + 16 * DAY
    assert occasion.invitation.created_at - due == waited * DAY


def test_only_the_audience_is_asked_and_only_at_the_store():
    shop, other = create_store(code="shop"), create_store(code="other")
    triggered("purchase", store=shop, segment="new")
    new, old = create_asker(enrolled_at=NOW), create_asker(enrolled_at=NOW - 90 * DAY)
    inside, outside = purchase(new, store=shop), purchase(old, store=shop)
    purchase(new, store=other)
    assert look(NOW + DAY) == [f"purchase:{inside.pk}"]
    assert Occasion.objects.get(source=f"purchase:{outside.pk}").state == "outside"
    assert Occasion.objects.count() == 2


def test_the_nth_purchase_is_one_occasion_even_when_an_earlier_one_turns_up():
    triggered("nth_purchase", number=3)
    alice = create_asker()
    for hours in (-3, -2, 1):
        purchase(alice, at=NOW + hours * HOUR)
    assert look(NOW + 2 * DAY) == [f"nth:3:{alice.pk}"]
    purchase(alice, at=NOW - HOUR)
    assert look(NOW + 2 * DAY) == [f"nth:3:{alice.pk}"]
    assert Occasion.objects.count() == 1


def test_reaching_a_tier_is_an_occasion_and_being_given_one_is_not():
    silver, gold = (Tier.objects.create(code=name.lower(), name_en=name, rank=rank, threshold=rank * 1000, metric="spend")
                    for rank, name in enumerate(("Silver", "Gold"), 1))  # fmt: skip
    triggered("tier", tier=gold)
    rows = [(gold, "reached"), (silver, "reached"), (gold, "granted")]
    made = [
        TierMembership.objects.create(
            customer=create_asker(), tier=tier, reason=reason, started_at=NOW + HOUR, kept_until=NOW + 365 * DAY
        )
        for tier, reason in rows
    ]
    assert look(NOW + 2 * DAY) == [f"tier:{made[0].pk}"]


def test_points_about_to_expire_are_an_occasion_from_the_number_on():
    triggered("points_expiring", number=100, days=14)
    many, few, later = create_asker(), create_asker(), create_asker()
    award(many, 60, expires_at=NOW + 10 * DAY)
    award(many, 60, expires_at=NOW + 12 * DAY)
    award(few, 99, expires_at=NOW + 10 * DAY)
    award(later, 500, expires_at=NOW + 20 * DAY)
    assert look(NOW + HOUR) == [f"expiry:{many.pk}:2026-03-20"]
    assert look(NOW + 7 * DAY) == [f"expiry:{many.pk}:2026-03-20", f"expiry:{later.pk}:2026-03-30"]


def test_whoever_stays_away_is_asked_once_for_each_time():
    triggered("lapsed", days=30)
    alice, bob = create_asker(), create_asker()
    last = purchase(alice, at=NOW - 29 * DAY)
    purchase(bob, at=NOW - 29 * DAY)
    purchase(bob, at=NOW - DAY)
    assert look(NOW + HOUR) == []
    assert look(NOW + 2 * DAY) == [f"lapsed:{alice.pk}:{last.pk}"]
    again = purchase(alice, at=NOW + 3 * DAY)
    assert look(NOW + 20 * DAY) == [f"lapsed:{alice.pk}:{last.pk}"]
    assert f"lapsed:{alice.pk}:{again.pk}" in look(NOW + 34 * DAY)


def test_a_birthday_is_an_occasion_every_year_and_29_february_has_one_too():
    triggered("birthday", days=2, quarantine_days=0, scheduled_at=dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC))
    leap = create_asker(birthday=dt.date(1992, 2, 29))
    create_asker(birthday=dt.date(1990, 7, 1))
    late = dt.datetime(2027, 2, 26, 12, tzinfo=dt.UTC)
    assert look(late - DAY) == []
    assert look(late) == [f"birthday:2027:{leap.pk}"]
    assert look(dt.datetime(2028, 2, 27, 12, tzinfo=dt.UTC)) == [f"birthday:2027:{leap.pk}", f"birthday:2028:{leap.pk}"]


def test_a_call_to_the_hotline_and_a_closed_case_are_occasions():
    triggered("contact", name="calls")
    triggered("case_closed", name="cases", quarantine_days=0)
    alice, bob = create_asker(), create_asker()
    call = ContactLogEntry.objects.create(customer=alice, channel="hotline", topic="x", occurred_at=NOW + HOUR)
    ContactLogEntry.objects.create(customer=alice, channel="wechat", topic="x", occurred_at=NOW + HOUR)
    case = Case.objects.create(customer=bob, subject="x", due_at=NOW, state="no_action", closed_at=NOW + HOUR)
    Case.objects.create(customer=bob, subject="open", due_at=NOW)
    assert look(NOW + 2 * DAY) == [f"contact:{call.pk}", f"case:{case.pk}"]


def test_a_paused_campaign_looks_for_nothing_and_heals_when_it_goes_on():
    campaign = triggered("purchase")
    bought = purchase(create_asker())
    campaigns.pause(campaign=campaign, now=NOW)
    assert look(NOW + 2 * DAY) == []
    campaigns.resume(campaign=campaign, now=NOW)
    assert look(NOW + 2 * DAY) == [f"purchase:{bought.pk}"]


def test_cancelling_ends_what_waits_and_a_cancelled_day_is_over():
    campaign = triggered("purchase")
    first, second = purchase(create_asker()), purchase(create_asker(), at=NOW + HOUR)
    assert look(NOW + DAY) == [f"purchase:{first.pk}"]
    campaigns.cancel(campaign=campaign, now=NOW + DAY)
    assert look(NOW + 2 * DAY) == [f"purchase:{first.pk}"]
    assert Occasion.objects.get(source=f"purchase:{second.pk}").state == "cancelled"
    assert Message.objects.get().state == "cancelled"


def test_the_quick_look_is_cheap_and_finds_the_last_hours(django_assert_max_num_queries):
    campaign = triggered("purchase", delay_days=0)
    old, new = purchase(create_asker(), at=NOW + HOUR), purchase(create_asker(), at=NOW + 10 * HOUR)
    with django_assert_max_num_queries(1):
        triggers.find(campaign=campaign, now=NOW + 11 * HOUR)
    assert list(Occasion.objects.values_list("source", flat=True)) == [f"purchase:{new.pk}"]
    assert triggers.find(campaign=campaign, now=NOW + 11 * HOUR, is_thorough=True) == 1
    assert Occasion.objects.filter(source=f"purchase:{old.pk}").exists()
    assert connection.vendor in ("sqlite", "postgresql")

"""When a campaign comes again: an injected clock, the nights in which clocks change, and the ends of months."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings

from surveys import campaigns, recurrence
from surveys.models import Campaign, Run
from surveys.tests.factories import create_campaign

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = dt.timedelta(hours=1)


def local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def keys(campaign: Campaign, until: dt.datetime, after: dt.datetime | None = None) -> list[str]:
    return [slot.key for slot in recurrence.slots(campaign=campaign, after=after, until=until)]


@pytest.mark.parametrize(
    ("rhythm", "first", "wanted"),
    [
        ("daily", "2026-03-28T10:00", ["2026-03-28T10:00", "2026-03-29T10:00", "2026-03-30T10:00"]),
        ("weekly", "2026-12-25T10:00", ["2026-12-25T10:00", "2027-01-01T10:00", "2027-01-08T10:00"]),
        ("monthly", "2026-01-31T10:00", ["2026-01-31T10:00", "2026-02-28T10:00", "2026-03-31T10:00"]),
        ("monthly", "2028-01-31T10:00", ["2028-01-31T10:00", "2028-02-29T10:00", "2028-03-31T10:00"]),
        ("quarterly", "2026-11-30T10:00", ["2026-11-30T10:00", "2027-02-28T10:00", "2027-05-30T10:00"]),
        ("yearly", "2028-02-29T10:00", ["2028-02-29T10:00", "2029-02-28T10:00", "2030-02-28T10:00"]),
    ],
)
def test_slots_keep_the_hour_of_the_clock_and_the_day_of_the_month(rhythm, first, wanted):
    campaign = create_campaign(trigger="recurring", rhythm=rhythm, scheduled_at=local(first))
    until = local(wanted[-1]) + HOUR
    assert keys(campaign, until) == wanted
    found = [slot.moment.astimezone(BERLIN).strftime("%Y-%m-%dT%H:%M") for slot in
             recurrence.slots(campaign=campaign, after=None, until=until)]  # fmt: skip
    assert found == wanted
    # From any point on, the same ones follow.
    for place, key in enumerate(wanted):
        assert keys(campaign, until, after=local(key)) == wanted[place + 1 :]


def test_an_hour_that_the_clocks_jump_over_is_the_next_minute_that_exists():
    campaign = create_campaign(trigger="recurring", rhythm="daily", scheduled_at=local("2026-03-28T02:30"))
    [_first, second, third] = recurrence.slots(campaign=campaign, after=None, until=local("2026-03-30T02:30"))
    assert second == ("2026-03-29T02:30", local("2026-03-29T03:00"))
    assert third.moment == local("2026-03-30T02:30")


def test_an_hour_that_the_clocks_show_twice_is_one_slot():
    campaign = create_campaign(trigger="recurring", rhythm="daily", scheduled_at=local("2026-10-24T02:30"))
    [_first, second] = recurrence.slots(campaign=campaign, after=None, until=local("2026-10-25T23:00"))
    assert second == ("2026-10-25T02:30", local("2026-10-25T02:30", fold=0).astimezone(dt.UTC))


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Pacific/Kiritimati"])
def test_the_programmes_own_zone_counts(zone):
    with override_settings(TIME_ZONE=zone):
        first = local("2026-10-24T10:00", ZoneInfo(zone))
        campaign = create_campaign(trigger="recurring", rhythm="daily", scheduled_at=first)
        assert keys(campaign, first + 24 * HOUR) == ["2026-10-24T10:00", "2026-10-25T10:00"]


def test_a_missed_slot_is_made_up_for_within_six_hours_and_otherwise_marked():
    first = local("2026-03-10T10:00")
    campaign = create_campaign(trigger="recurring", rhythm="daily", scheduled_at=first)
    campaigns.schedule(campaign=campaign, by=None, now=first)
    [run] = campaigns.plan_due_runs(now=first)
    # The clock stands still for two days and a half; twice it rings.
    later = first + 3 * 24 * HOUR + 5 * HOUR
    made = campaigns.plan_due_runs(now=later)
    assert campaigns.plan_due_runs(now=later) == []
    assert [(run.period_key, run.phase) for run in (run, *made)] == [
        ("2026-03-10T10:00", "preparing"),
        ("2026-03-11T10:00", "missed"),
        ("2026-03-12T10:00", "missed"),
        ("2026-03-13T10:00", "preparing"),
    ]
    Run.objects.filter(phase="missed").update(created_at=later)
    assert [run.period_key for run in campaigns.missed_lately(now=later)] == ["2026-03-12T10:00", "2026-03-11T10:00"]


def test_it_ends_when_it_should_and_pauses():
    first = local("2026-03-10T10:00")
    campaign = create_campaign(
        trigger="recurring", rhythm="weekly", scheduled_at=first, ends_at=local("2026-03-20T00:00")
    )
    assert keys(campaign, first + 100 * 24 * HOUR) == ["2026-03-10T10:00", "2026-03-17T10:00"]
    assert recurrence.upcoming(campaign=campaign, now=first) == [local("2026-03-17T10:00")]
    campaigns.schedule(campaign=campaign, by=None, now=first)
    campaigns.pause(campaign=campaign, now=first)
    assert campaigns.plan_due_runs(now=first + HOUR) == []
    campaigns.resume(campaign=campaign, now=first)
    assert len(campaigns.plan_due_runs(now=first + HOUR)) == 1

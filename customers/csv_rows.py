"""Read a CSV file by physical lines: strict, bounded, and never put out by what it holds.

A row is one line, so an unclosed quote spoils its own line and no other, and an error names the line that an editor shows.
(Python's csv module alone lets an open quote swallow the rest of the file and gives up at 131,072 characters.)
docs/imports.md has the rules for people.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

LONGEST_LINE = 64 * 1024
BLOCK = 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Everything below the blank but tab, line feed and carriage return; and delete.
CONTROL = bytes([*range(9), 11, 12, *range(14, 32), 127])
# What makes a line need more than a split at the commas.
ODD = (b'"', b" ,", b", ", b" \n", b"\n ")


class UnreadableFile(Exception):
    """Raised when a file cannot be read as the wanted table at all; the text says what to do about it."""


class CsvRows:
    """The rows of a file whose first line names the columns; iterate once.

    Fields come in the order of `columns`, whatever the order in the file, and without blanks around them.
    `progress` is told after each block how many bytes are read. Raises UnreadableFile for a first line that does not fit.
    """

    def __init__(
        self, file: BinaryIO, *, columns: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> None:
        self._file = file
        self._columns = list(columns)
        self._progress = progress
        self.bytes_read = 0
        header = file.readline(LONGEST_LINE + 1)
        self.bytes_read += len(header)
        found = header_fields(header)
        check_header(found, self._columns)
        self._order = None if found == self._columns else [found.index(column) for column in self._columns]

    def __iter__(self) -> Iterator[tuple[int, list[str], str]]:
        """Give line number, fields, and what is wrong with the line; then the fields are a guess at what stood there."""
        number, width, order = 1, len(self._columns), self._order
        for lines, is_plain in self._blocks():
            for line in lines:
                number += 1
                if is_plain and (fields := line.split(","))[0] and len(fields) == width:
                    trouble = ""
                else:
                    fields, trouble = read_line(line)
                    if not "".join(fields):
                        continue
                    if len(fields) != width:
                        trouble = trouble or wrong_width(len(fields), width)
                yield number, [fields[index] for index in order] if order and len(fields) == width else fields, trouble

    def _blocks(self) -> Iterator[tuple[list[str] | list[bytes], bool]]:
        """Give the lines of about a megabyte, and whether they are texts that a comma alone divides."""
        rest = b""
        while chunk := self._file.read(BLOCK):
            self.bytes_read += len(chunk)
            self._progress(self.bytes_read)
            data = rest + chunk
            cut = data.rfind(b"\n") + 1
            if cut:
                yield split_block(data[:cut])
                rest = data[cut:]
            elif len(data) > LONGEST_LINE:
                yield [data[: LONGEST_LINE + 1]], False
                rest = self._after_next_line_feed()
            else:
                rest = data
        if rest:
            yield split_block(rest + b"\n")

    def _after_next_line_feed(self) -> bytes:
        while chunk := self._file.read(BLOCK):
            self.bytes_read += len(chunk)
            if (cut := chunk.find(b"\n") + 1) > 0:
                return chunk[cut:]
        return b""


def file_size(file: BinaryIO) -> int:
    """Return the size of an open file in bytes, at least 1, and go to its beginning."""
    size = file.seek(0, 2)
    file.seek(0)
    return max(size, 1)


def split_block(block: bytes) -> tuple[list[str] | list[bytes], bool]:
    """Split whole lines, into texts when all of them are in order, and say whether a comma alone divides their fields."""
    returns = block.count(b"\r")
    if returns == block.count(b"\r\n") and len(block.translate(None, CONTROL)) == len(block):
        plain = block.replace(b"\r\n", b"\n") if returns else block
        try:
            lines = plain.decode().split("\n")[:-1]
        except UnicodeDecodeError:
            lines = []
        if lines and max(map(len, lines)) <= LONGEST_LINE // 4:
            return lines, not any(odd in plain for odd in ODD)
    return block.split(b"\n")[:-1], False


def read_line(line: bytes | str) -> tuple[list[str], str]:
    """Return the fields of a line without blanks around them and what is wrong with it; then the fields are a guess."""
    trouble = ""
    if isinstance(line, bytes):
        line = line.removesuffix(b"\r")
        trouble = bytes_trouble(line)
        line = line[:LONGEST_LINE].decode(errors="replace")
    fields = line.split(",")
    if not trouble and '"' in line:
        try:
            fields = next(csv.reader([line.strip(" ")], strict=True, skipinitialspace=True))
        except csv.Error as error:
            if "unexpected end" in str(error):
                trouble = _("A quotation mark is not closed on this line; a row must stand on one line.")
            else:
                trouble = _(
                    "After a closing quotation mark there must be a comma; write a quotation mark inside a text twice."
                )
    return [field.strip(" ") for field in fields], trouble


def bytes_trouble(line: bytes) -> str:
    """Say what keeps a line from being text, or nothing."""
    if len(line) > LONGEST_LINE:
        return _("The line is longer than %(limit)s bytes.") % {"limit": LONGEST_LINE}
    if b"\0" in line:
        return _("The line holds a NUL byte.")
    if b"\r" in line:
        return _("The line holds a carriage return that ends no line.")
    if len(line.translate(None, CONTROL)) != len(line):
        return _("The line holds a control character.")
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return _("Byte %(position)s of the line is not UTF-8.") % {"position": error.start + 1}
    return ""


def wrong_width(found: int, wanted: int) -> str:
    return ngettext(
        "The line has %(found)s column instead of %(wanted)s.",
        "The line has %(found)s columns instead of %(wanted)s.",
        found,
    ) % {"found": found, "wanted": wanted}


def header_fields(header: bytes) -> list[str]:
    """Return the names in the first line. Raises UnreadableFile when it is no text."""
    header = header.removeprefix(BYTE_ORDER_MARK).rstrip(b"\r\n")
    if not header:
        raise UnreadableFile(_("The file is empty; its first line must name the columns."))
    if bytes_trouble(header):
        raise UnreadableFile(
            _("The first line is not text. Save the table as “CSV UTF-8 (comma delimited)” and try again.")
        )
    return [field.strip().lower() for field in read_line(header)[0]]


def check_header(found: list[str], columns: list[str]) -> None:
    """Raise UnreadableFile unless the first line names exactly the columns, in any order."""
    missing = [column for column in columns if column not in found]
    unknown = [shown(column) for column in found if column not in columns]
    twice = sorted({column for column in found if found.count(column) > 1} & set(columns))
    if missing and len(found) == 1 and (";" in found[0] or "\t" in found[0]):
        raise UnreadableFile(_("The columns must be separated by commas."))
    problems = []
    if missing:
        problems.append(_("Missing columns: %(names)s.") % {"names": ", ".join(missing)})
    if unknown:
        problems.append(_("Unknown columns: %(names)s.") % {"names": ", ".join(unknown[:20])})
    if twice:
        problems.append(_("Columns named twice: %(names)s.") % {"names": ", ".join(twice)})
    if problems:
        raise UnreadableFile(" ".join(problems))


def shown(text: str, longest: int = 40) -> str:
    """Return a text from a file short and printable enough for a sentence."""
    short = text[:longest] + "…" if len(text) > longest else text
    return "".join(character if character.isprintable() else "�" for character in short)

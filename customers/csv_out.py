"""Write CSV that spreadsheets open as what it is: text never becomes a formula, numbers stay numbers.

UTF-8 with a byte order mark, commas, CR LF. A text that a spreadsheet would calculate is given a leading apostrophe, the
usual mark for text (security.md E6); whole numbers are never touched, so a negative one can be summed.
"""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from customers.timezones import zone

type Cell = str | int | dt.datetime | dt.date | None

BYTE_ORDER_MARK = "\ufeff"
AT_ONCE = 200  # rows written to the browser together
# What begins a formula, in the full-width form of Chinese keyboards too, and what spreadsheets skip before one.
_DANGEROUS = frozenset("=+-@\t\r\n＝＋－＠|%")
_SKIPPED = " \u00a0\u3000\u200b\ufeff"


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def cell(value: Cell) -> str | int:
    """Return what is written for a value: numbers plain, days and times of the programme in ISO form, text made harmless."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return value
    if isinstance(value, dt.datetime):
        return value.astimezone(zone("")).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dt.date):
        return value.isoformat()
    text = str(value).replace("\0", "")
    if text[:1] in _DANGEROUS or text.lstrip(_SKIPPED)[:1] in _DANGEROUS:
        return "'" + text
    return text


def lines(heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Give the file piece by piece, so that it never lies in memory."""
    writer = csv.writer(_Echo())
    piece = [BYTE_ORDER_MARK, writer.writerow([cell(name) for name in heading])]
    for row in rows:
        piece.append(writer.writerow([cell(value) for value in row]))
        if len(piece) >= AT_ONCE:
            yield "".join(piece)
            piece = []
    if piece:
        yield "".join(piece)


def download(*, name: str, heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> StreamingHttpResponse:
    """Return a response that streams rows as a file called `name`."""
    return StreamingHttpResponse(
        lines(heading, rows),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )

"""A table as an XLSX workbook. Imported only where one is written: openpyxl takes half a second to load."""

import datetime as dt
import tempfile
from collections.abc import Iterable, Sequence
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from customers.csv_out import Cell
from customers.timezones import zone

ROWS_PER_SHEET = 1_000_000
LONGEST_CELL = 32_767


def workbook(*, heading: Sequence[str], lines: Iterable[Sequence[Cell]]) -> IO[bytes]:
    """Write a workbook row by row and return the file, at its beginning. Text is text: no cell is ever a formula."""
    book = Workbook(write_only=True)
    sheet, used = None, 0
    for line in lines:
        if sheet is None or used == ROWS_PER_SHEET:
            sheet, used = _sheet(book, heading), 0
        sheet.append([_cell(sheet, value) for value in line])
        used += 1
    if sheet is None:
        _sheet(book, heading)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response that sends it closes it
    book.save(file)
    file.seek(0)
    return file


def _sheet(book: Workbook, heading: Sequence[str]) -> Any:
    sheet = book.create_sheet(f"answers {len(book.worksheets) + 1}")
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, name) for name in heading])
    return sheet


def _cell(sheet: Any, value: Cell) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(zone("")).replace(tzinfo=None, microsecond=0)  # workbooks know no time zones
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_CELL])
    cell.data_type = "s"  # openpyxl takes what begins with = for a formula
    return cell

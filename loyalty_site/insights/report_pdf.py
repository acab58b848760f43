"""The monthly report on paper: A4, as many pages as it takes, in the active language."""

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PaperTable

from customers import looks
from customers.paper import font, paragraph, printable
from customers.templatetags.loyalty import moment, month
from loyalty_site.insights.charts import Chart
from loyalty_site.insights.report import Part, Report, Table

MARGIN = 16 * mm
ROOM = A4[0] - 2 * MARGIN - 12  # a frame keeps six points to each side
INK, MUTED, LINE = HexColor("#2b211b"), HexColor("#685a4f"), HexColor("#ded5cc")
BAR, PALE = HexColor("#9a5b34"), HexColor("#d7bda9")
TONES = {"": INK, "good": HexColor("#2f6b3a"), "bad": HexColor("#a3312a")}
FIRST, SECOND = 30 * mm, 18 * mm  # the columns of headings and counts, where many follow
TOGETHER = 12  # rows
GRID = [
    ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE), ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (0, -1), 0), ("LEFTPADDING", (1, 0), (-1, -1), 2), ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
]  # fmt: skip


def write(report: Report) -> bytes:
    """Return the PDF of a report."""
    file = io.BytesIO()
    title = _("Monthly report, %(month)s") % {"month": month(report.month_date)}
    document = SimpleDocTemplate(
        file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=f"{looks.name()}: {title}", pageCompression=1,
    )  # fmt: skip
    story: list[Flowable] = [paragraph(looks.name(), 11, colour=MUTED), paragraph(title, 22, bold=True, after=8)]
    for section in report.sections:
        heading = [paragraph(section.title, 15, bold=True, after=4), Spacer(0, 2)]
        drawn = [flowable for part in section.parts for flowable in _part(part)]
        # A title never stands alone at the foot of a page.
        story += [Spacer(0, 12), KeepTogether([*heading, *drawn[:1]]), *drawn[1:]]
    footer = partial(_foot, words=_("Made %(moment)s") % {"moment": moment(report.made_at)})
    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return file.getvalue()


def _foot(canvas: Canvas, _document: object, *, words: str) -> None:
    words = printable(words)
    canvas.setFillColor(MUTED)
    canvas.setFont(font(words), 8)
    canvas.drawString(MARGIN, 9 * mm, words)
    canvas.drawRightString(A4[0] - MARGIN, 9 * mm, str(canvas.getPageNumber()))


def _part(part: Part) -> list[Flowable]:
    if part.chart is not None:
        return [
            KeepTogether(
                [paragraph(part.chart.title, 9, bold=True, colour=MUTED, after=3), _chart(part.chart), Spacer(0, 6)]
            )
        ]
    if part.table is not None:
        return _table(part.table)
    if part.heading:
        return [Spacer(0, 4), paragraph(part.heading, 11, bold=True, after=3)]
    name = [Spacer(0, 5), paragraph(part.about, 10, bold=True, after=1, with_next=True)] if part.about else []
    return [*name, paragraph(part.text, 10, after=3, colour=TONES[part.tone])]


def _chart(chart: Chart) -> Drawing:
    """Draw the bars of a chart; the drawing counts from above, paper from below."""
    scale = min(0.85, ROOM / chart.width)
    drawing = Drawing(chart.width * scale, chart.height * scale)
    drawing.scale(scale, scale)
    drawing.add(Line(0, chart.height - chart.zero, chart.width, chart.height - chart.zero, strokeColor=LINE))
    for bar in chart.bars:
        if bar.words:
            fill = PALE if bar.is_open else BAR
            below = chart.height - bar.y - bar.height
            drawing.add(Rect(bar.x, below, bar.width, bar.height, fillColor=fill, strokeColor=None))
            drawing.add(_text(bar.middle, chart.height - bar.y + 3, bar.words, INK))
        drawing.add(_text(bar.middle, 3, bar.label, MUTED))
    return drawing


def _text(x: float, y: float, words: str, colour: Color) -> String:
    words = printable(words)
    return String(x, y, words, fontName=font(words), fontSize=8, fillColor=colour, textAnchor="middle")


def _table(table: Table) -> list[Flowable]:
    """Lay out a table; its head comes again on each page, and a short one is not torn apart."""
    columns = len(table.heading)
    size = 9 if columns <= 6 else 7
    first = ROOM * 0.6 if columns == 2 else ROOM * 0.4 if columns <= 6 else FIRST
    widths = [first, *[(ROOM - first) / (columns - 1)] * (columns - 1)]
    if columns > 6:  # the count beside the heading needs more room than the shares
        widths[1:] = [SECOND, *[(ROOM - first - SECOND) / (columns - 2)] * (columns - 2)]
    rows = [_row(table.heading, size, bold=True, colour=MUTED), *(_row(row, size) for row in table.rows)]
    laid = PaperTable(rows, colWidths=widths, style=[*GRID, *_shades(table)], repeatRows=1)
    return [laid if len(rows) > TOGETHER else KeepTogether([laid]), Spacer(0, 6)]


def _row(words: Sequence[str], size: float, **look: Any) -> list[Flowable]:
    heading, *figures = words
    return [paragraph(heading, size, **look), *(paragraph(word, size, align=TA_RIGHT, **look) for word in figures)]


def _shades(table: Table) -> list[tuple]:
    return [
        ("BACKGROUND", (column, row), (column, row), _shade(dark))
        for row, shades in enumerate(table.shades, 1)
        for column, dark in enumerate(shades)
        if dark
    ]


def _shade(dark: int) -> Color:
    """Return paper to half the colour of the bars, in ten steps."""
    share = dark * 0.05
    return Color(*(1 - share * (1 - part) for part in (BAR.red, BAR.green, BAR.blue)))

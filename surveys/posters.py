"""A page to print and to hang up: one question, a large QR code, and the address in letters."""

from typing import BinaryIO

import segno
from django.conf import settings
from django.utils.translation import gettext as _
from reportlab.lib.colors import black
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4, A5
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepInFrame, Paragraph

from customers.paper import paragraph
from surveys import public_links
from surveys.models import SurveyLink

SIZES = {"a4": A4, "a5": A5}
MARGIN = 15 * mm


def write_poster(*, link: SurveyLink, size: str, file: BinaryIO) -> None:
    """Write a one-page PDF in the active language; `size` is a4 or a5."""
    width, height = SIZES[size]
    canvas = Canvas(file, pagesize=(width, height), pageCompression=1)
    survey = link.campaign.survey
    canvas.setTitle(survey.title)
    scale = width / A4[0]
    texts = [
        _paragraph(settings.PROGRAMME_NAME, 18 * scale),
        _paragraph(survey.title, 40 * scale, bold=True),
        _paragraph(survey.intro or _("Tell us in less than a minute."), 18 * scale),
    ]
    room = width - 2 * MARGIN
    top = height * 0.36
    box = KeepInFrame(room, top, texts, mode="shrink")
    _width, used = box.wrapOn(canvas, room, top)
    box.drawOn(canvas, MARGIN, height - MARGIN - used)
    side = min(room, height * 0.42)
    url = public_links.url_of(link)
    bottom = height - MARGIN - top - side
    draw_qr(canvas, x=(width - side) / 2, y=bottom, side=side, text=url)
    foot = [_paragraph(_("Scan with the camera of your phone"), 16 * scale), _paragraph(url, 13 * scale)]
    box = KeepInFrame(room, bottom - MARGIN, foot, mode="shrink")
    _width, used = box.wrapOn(canvas, room, bottom - MARGIN)
    box.drawOn(canvas, MARGIN, bottom - used - 4 * mm)
    canvas.save()


def draw_qr(canvas: Canvas, *, x: float, y: float, side: float, text: str) -> None:
    """Draw a QR code with its quiet zone into a square; correction Q, so that a crease does not matter."""
    rows = [bytes(row) for row in segno.make(text, error="q", boost_error=False, micro=False).matrix]
    module = side / (len(rows) + 8)
    path = canvas.beginPath()
    for row_number, row in enumerate(rows):
        for column, is_dark in enumerate(row):
            if is_dark:
                path.rect(x + (column + 4) * module, y + side - (row_number + 5) * module, module, module)
    canvas.setFillColor(black)
    canvas.drawPath(path, stroke=0, fill=1)


def _paragraph(text: str, size: float, *, bold: bool = False) -> Paragraph:
    return paragraph(text, size, bold=bold, leading=1.3, align=TA_CENTER, after=size / 2)

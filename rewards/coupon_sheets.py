"""Coupons on paper: A4 sheets of ten with name, worth, QR code, code in groups, validity and terms, and marks to cut by."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import segno
from django.utils.translation import gettext as _
from reportlab.lib.colors import black
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepInFrame

from customers.paper import paragraph
from customers.templatetags.loyalty import last_moment, near_day
from rewards.coupons import code_of
from rewards.models import Coupon, CouponBatch
from rewards.passes import worth_of

PER_SHEET = 10
COLUMNS, ROWS = 2, 5
MARGIN, PADDING, MARK = 10 * mm, 5 * mm, 4 * mm
WIDTH, HEIGHT = (A4[0] - 2 * MARGIN) / COLUMNS, (A4[1] - 2 * MARGIN) / ROWS
QR_SIDE = 30 * mm


def write_sheets(*, coupons: Iterable[Coupon], batch: CouponBatch, file: BinaryIO, now: dt.datetime) -> int:
    """Write a PDF of the coupons, in the active language, and return how many there are; they are loaded one by one."""
    canvas = Canvas(file, pagesize=A4, pageCompression=1)
    canvas.setTitle(batch.name)
    words = _Words(batch)
    number = 0
    for number, coupon in enumerate(coupons, 1):
        place = (number - 1) % PER_SHEET
        if place == 0:
            if number > 1:
                canvas.showPage()
            _draw_marks(canvas)
        x = MARGIN + place % COLUMNS * WIDTH
        y = A4[1] - MARGIN - (place // COLUMNS + 1) * HEIGHT
        _draw(canvas, x, y, coupon, words, now)
    canvas.save()
    return number


class _Words:
    """What all coupons of a batch say."""

    def __init__(self, batch: CouponBatch) -> None:
        figure, label, _icon = worth_of(batch)
        product = batch.product.name if batch.product else ""
        self.name = batch.name
        self.worth = " ".join(part for part in (figure, label, product) if part)
        self.terms = batch.terms


def _draw(canvas: Canvas, x: float, y: float, coupon: Coupon, words: _Words, now: dt.datetime) -> None:
    """Draw one coupon with its lower left corner at a point."""
    code = code_of(coupon)
    _draw_qr(canvas, x + WIDTH - PADDING - QR_SIDE, y + HEIGHT - PADDING - QR_SIDE, code)
    texts = [paragraph(words.name, 12, bold=True), paragraph(words.worth, 16, bold=True)]
    texts += [paragraph(_until(coupon, now), 9)] if coupon.expires_at else []
    texts += [paragraph(words.terms, 7)] if words.terms else []
    # Long terms are set smaller: nothing of what was promised is cut off.
    box = KeepInFrame(WIDTH - 3 * PADDING - QR_SIDE, HEIGHT - 3 * PADDING - 5 * mm, texts, mode="shrink")
    _width, height = box.wrapOn(canvas, WIDTH - 3 * PADDING - QR_SIDE, HEIGHT - 3 * PADDING - 5 * mm)
    box.drawOn(canvas, x + PADDING, y + HEIGHT - PADDING - height)
    canvas.setFont("Courier-Bold", 13 if len(code) <= 24 else 9)
    canvas.drawString(x + PADDING, y + PADDING, code)


def _until(coupon: Coupon, now: dt.datetime) -> str:
    return _("Until %(day)s") % {"day": near_day(last_moment(coupon.expires_at), now)}


def _draw_qr(canvas: Canvas, x: float, y: float, code: str) -> None:
    """Draw a QR code, dark runs of a row as one rectangle; correction Q, so that a crease does not matter."""
    symbol = segno.make(code, error="q", boost_error=False, micro=False)
    rows = [bytes(row) for row in symbol.matrix]
    module = QR_SIDE / (len(rows) + 4)  # the quiet zone within the square, two modules and the paper's own white
    path = canvas.beginPath()
    for row_number, row in enumerate(rows):
        for start, length in _runs(row):
            top = y + QR_SIDE - (row_number + 3) * module
            path.rect(x + (start + 2) * module, top, length * module, module)
    canvas.setFillColor(black)
    canvas.drawPath(path, stroke=0, fill=1)


def _runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Give where dark modules begin, and how many follow each other."""
    start = None
    for place, is_dark in enumerate([*row, 0]):
        if is_dark and start is None:
            start = place
        elif not is_dark and start is not None:
            yield start, place - start
            start = None


def _draw_marks(canvas: Canvas) -> None:
    """Draw a small cross where the corners of four coupons meet."""
    canvas.setLineWidth(0.25)
    for column in range(COLUMNS + 1):
        for row in range(ROWS + 1):
            x, y = MARGIN + column * WIDTH, MARGIN + row * HEIGHT
            canvas.line(x - MARK / 2, y, x + MARK / 2, y)
            canvas.line(x, y - MARK / 2, x, y + MARK / 2)

"""Texts on paper: PDF in Latin and Chinese with fonts that every reader has, so no font file is shipped."""

from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, black
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph

# Part of every reader of PDF; the only one that has Chinese without a font file of our own.
CHINESE = "STSong-Light"
LATIN, LATIN_BOLD = "Helvetica", "Helvetica-Bold"
pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
# Signs of the portal's texts that neither font has.
_SIGNS = str.maketrans({"\u202f": "\u00a0", "\N{MINUS SIGN}": "\u2013"})


def paragraph(
    text: str, size: float, *, bold: bool = False, leading: float = 1.25, align: int = TA_LEFT, after: float = 0,
    colour: Color = black, with_next: bool = False,
) -> Paragraph:  # fmt: skip
    """Return a paragraph in a font that has all its symbols; the size is in points, the leading in sizes."""
    text = text.translate(_SIGNS)
    style = ParagraphStyle(
        "text", fontName=font(text, bold=bold), fontSize=size, leading=size * leading, alignment=align, spaceAfter=after,
        textColor=colour, keepWithNext=with_next, wordWrap=None if _is_latin(text) else "CJK",
    )  # fmt: skip
    return Paragraph(escape(text).replace("\n", "<br/>"), style)


def font(text: str, *, bold: bool = False) -> str:
    """Return the font that has all symbols of a text."""
    return (LATIN_BOLD if bold else LATIN) if _is_latin(text) else CHINESE


def printable(text: str) -> str:
    """Return a text with signs that the fonts have, for whoever draws it without a paragraph."""
    return text.translate(_SIGNS)


def _is_latin(text: str) -> bool:
    """Return whether the fonts that need no Asian ones have all the symbols."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True

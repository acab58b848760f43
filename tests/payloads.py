"""What somebody might write to harm whoever reads it, and what tells harmless from harmful in a page, a mail or a file.

Each payload carries a mark; harm is a mark that has become a tag, the name of an attribute, a script, an address that runs, a
formula or a header.
"""

import csv
import io
import re
import zipfile
from email.message import EmailMessage
from html.parser import HTMLParser

MARK = "cnry"
MARKUP = [
    "<script>cnry()</script>", "<ScRiPt src=//cnry.example></ScRiPt>", "<img src=x onerror=cnry()>", "<svg/onload=cnry()>",
    "<cnry>", "<iframe src=cnry></iframe>", "<a href=javascript:cnry()>cnry</a>", "<math><mi//xlink:href='cnry'>",
    '"><script>cnry()</script>', "'><script>cnry()</script>", '" onmouseover="cnry()', "' onfocus='cnry()' autofocus='",
    "x onclick=cnry() ", "</title><script>cnry()</script>", "</textarea><cnry>", "</script><script>cnry()</script>",
    "</style><cnry>", "--><cnry>", "<!--<cnry>-->", "]]><cnry>", "<body onload=cnry()>", "<base href=//cnry.example>",
    "<meta http-equiv=refresh content='0;cnry'>", "<link rel=stylesheet href=//cnry>", "<style>*{color:cnry}</style>",
    "<form action=//cnry><input name=cnry>", "<object data=cnry>", "<template><cnry></template>", "<details open ontoggle=cnry()>",
    "<b\nonclick=cnry()>", "<\u0000cnry>".replace("\u0000", " "), "\u003ccnry\u003e", "＜cnry＞<cnry>", "&lt;cnry&gt;<cnry>",
    "&#60;cnry&#62;", "\\u003ccnry\\u003e", "`-cnry()-`", "';cnry();//", '";cnry();//', "\\';cnry();//", "*/cnry();/*", "<input value=cnry onfocus=cnry() autofocus>",
]  # fmt: skip
TEMPLATES = [
    "{{ 7|add:191 }}cnry", "{% load cnry %}", "{% include 'cnry' %}", "{# cnry #}", "${7*191}cnry", "#{7*191}cnry", "<%= 7*191 %>cnry",
    "%(cnry)s %s", "{cnry} {0}",
]  # fmt: skip
FORMULAS = ["=cnry()", "+cnry", "-cnry", "@cnry", "\t=cnry()", "=1+1|cnry!A0"]
LINES = ["cnry\r\nBcc: cnry@evil.example", "cnry\n\nX-Cnry: 1", "cnry\u2028CRITICAL cnry", "cnry\x1b[31m"]
PAYLOADS = [*MARKUP, *TEMPLATES, *FORMULAS, *LINES]
RUNS = re.compile(r"^\s*(javascript|vbscript|data:text)\s*:?", re.IGNORECASE)
ADDRESSES = {"href", "src", "action", "formaction", "srcdoc", "xlink:href", "data", "poster", "hx-get", "hx-post"}


class _Reader(HTMLParser):
    """Gather what a browser would take for more than text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.harm: list[str] = []
        self.texts: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag if tag in ("script", "style") else ""
        values = dict(attrs)
        if MARK in tag or any(MARK in name for name in values):
            self.harm.append(self.get_starttag_text() or tag)
        for name, value in values.items():
            runs = name in ADDRESSES and RUNS.match(value or "")
            if runs or name.startswith("on") or (name == "style" and MARK in (value or "")):
                self.harm.append(self.get_starttag_text() or tag)
            if name in ADDRESSES and re.match(rf"\s*(https?:)?//{MARK}", value or ""):
                self.harm.append(self.get_starttag_text() or tag)
        self.texts += [value for value in values.values() if value]

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.harm.append(f"<!--{data}-->")

    def handle_data(self, data: str) -> None:
        if self._within and MARK in data:
            self.harm.append(f"<{self._within}> {data[:200]}")
        self.texts.append(data)


def harm_in_page(html: str) -> list[str]:
    """Return what of the payloads a browser would obey, and templates that were filled."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    filled = re.findall(rf"1337{MARK}|198{MARK}", " ".join(reader.texts))
    return reader.harm + filled


def harm_in_table(text: str) -> list[str]:
    """Return the cells of a CSV file that a spreadsheet would reckon."""
    cells = [cell for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) for cell in row]
    return [cell for cell in cells if MARK in cell and cell[:1] in tuple("=+-@\t\r\n")]


def harm_in_workbook(data: bytes) -> list[str]:
    """Return the formulas of a workbook."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/")]
    return [formula for sheet in sheets for formula in re.findall(r"<f[ >].*?</f>", sheet)]


def harm_in_mail(mail: EmailMessage) -> list[str]:
    """Return the headers that a payload has made, and what its page would do."""
    made = [name for name in mail.keys() if MARK in name.lower() or name.lower() == "bcc"]  # noqa: SIM118
    broken = [name for name, value in mail.items() if "\n" in str(value) or "\r" in str(value)]
    page = mail.get_body(preferencelist=("html",))
    return made + broken + (harm_in_page(page.get_content()) if page is not None else [])

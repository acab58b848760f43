"""The message catalogue: extracted, merged, checked and compiled without gettext's own tools.

`manage.py messages` brings locale/zh_Hans up to date with the code, `manage.py messages --check` only looks, and
`python -m loyalty_site.translations compile` writes the .mo file that Django reads (it is not committed).
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
APPS = ("customers", "rewards", "surveys", "loyalty_site")
LANGUAGE = "zh_Hans"
LOCALE = ROOT / "locale" / LANGUAGE
CATALOGUE = LOCALE / "LC_MESSAGES" / "django.po"
# What the scripts of Django's admin say and Django's own Chinese does not; kept by hand.
SCRIPTS = CATALOGUE.with_name("djangojs.po")
HEADER = "# The portal in Simplified Chinese. `manage.py messages` keeps this file complete and in order."

# Where each function has its context, its message and its plural among its arguments.
FUNCTIONS = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
_LITERAL = r"""u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*\""""
_CALL = re.compile(rf"\b(n?p?gettext|_)\(((?:\s*(?:{_LITERAL})\s*,?)+)(?:\s*count)?\s*\)")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


@dataclass(frozen=True)
class Found:
    """One message in the source."""

    place: str
    context: str | None
    singular: str
    plural: str | None = None

    @property
    def id(self) -> str | tuple[str, str]:
        return (self.singular, self.plural) if self.plural else self.singular


@dataclass
class Report:
    """What is wrong with the catalogue, as sentences; obsolete messages do no harm."""

    missing: list[str] = field(default_factory=list)
    fuzzy: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    obsolete: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [
            *(f"missing: {text}" for text in self.missing),
            *(f"fuzzy: {text}" for text in self.fuzzy),
            *(f"other placeholders: {text}" for text in self.mismatched),
        ]


def sources() -> Iterator[Path]:
    """Yield every file that may hold messages: our Python but for tests and migrations, and our templates."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
                yield path
    for folder in (ROOT / "templates", *(ROOT / app / "templates" for app in APPS)):
        yield from sorted(path for path in folder.rglob("*.*") if path.suffix in (".html", ".txt", ".svg"))


def found_in_python(source: str, place: str) -> Iterator[Found]:
    """Yield the messages that Python code marks; a marked variable was marked elsewhere."""
    for node in ast.walk(ast.parse(source, place)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        texts = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
        if (found := _found(name, texts, place)) is not None:
            yield found


def found_in_template(source: str, place: str) -> Iterator[Found]:
    """Yield the messages that a template marks by translate, blocktranslate and _()."""
    for name, arguments in _CALL.findall(templatize(source, origin=place)):
        texts = [ast.literal_eval(literal) for literal in re.findall(_LITERAL, arguments)]
        if (found := _found(name, texts, place)) is not None:
            yield found


def _found(name: str, texts: list, place: str) -> Found | None:
    if name not in FUNCTIONS:
        return None
    context, singular, plural = (
        texts[position] if position is not None and position < len(texts) else None for position in FUNCTIONS[name]
    )
    return Found(place, context, singular, plural) if isinstance(singular, str) and singular else None


def extract() -> Iterator[Found]:
    """Yield every message of the portal, in the order of its files."""
    for path in sources():
        find = found_in_python if path.suffix == ".py" else found_in_template
        yield from find(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


def translated(source: Path | None = None) -> Catalog:
    """Return what has been translated so far, whether the code still says it or not."""
    catalog = Catalog(locale=LANGUAGE)
    for message in _read(source or CATALOGUE):
        if message.id and _is_translated(message):
            catalog.add(message.id, message.string, flags=message.flags & {"fuzzy"}, context=message.context)
    return catalog


def _read(path: Path) -> list[Message]:
    if not path.exists():
        return []
    with path.open("rb") as file:
        try:
            catalog = read_po(file, locale=LANGUAGE, abort_invalid=True)
        except PoFileError as error:
            raise SystemExit(f"{path.relative_to(ROOT)} cannot be read: {error}") from error
    return [*catalog, *catalog.obsolete.values()]


def _is_translated(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def build() -> tuple[Catalog, Report]:
    """Return the complete catalogue, sorted by file, and what is wrong with it."""
    known, report = translated(), Report()
    catalog = Catalog(locale=LANGUAGE, header_comment=HEADER, project="loyalty", fuzzy=False)
    for found in extract():
        earlier = known.get(found.id, found.context)
        string = earlier.string if earlier else ""
        if earlier and isinstance(string, tuple) != bool(found.plural):
            string = (string,) if found.plural else string[0]
        flags = earlier.flags & {"fuzzy"} if earlier else ()
        catalog.add(found.id, string, locations=[(found.place, None)], flags=flags, context=found.context)
    for message in catalog:
        if message.id:
            _check(message, report)
    for message in known:
        if message.id and catalog.get(message.id, message.context) is None:
            report.obsolete.append(repr(message.id))
            catalog.obsolete[message.id] = message
    return catalog, report


def _check(message: Message, report: Report) -> None:
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    label = f"{ids[0]!r} ({', '.join(sorted({place for place, _line in message.locations}))})"
    if not _is_translated(message):
        report.missing.append(label)
        return
    if message.fuzzy:
        report.fuzzy.append(label)
    # Chinese has one form for every number, so it must show what the English plural shows.
    expected = sorted(_PLACEHOLDER.findall(ids[-1]))
    for string in message.string if isinstance(message.string, tuple) else (message.string,):
        if sorted(_PLACEHOLDER.findall(string)) != expected:
            report.mismatched.append(f"{label}: {string!r}")


def write(catalog: Catalog) -> None:
    """Write the catalogue, without the dates and line numbers that would change it for no reason."""
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    with CATALOGUE.open("wb") as file:
        write_po(file, catalog, width=120, sort_by_file=True, include_lineno=False)
    lines = CATALOGUE.read_text(encoding="utf-8").splitlines(keepends=True)
    volatile = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator', '"Report-Msgid')
    CATALOGUE.write_text("".join(line for line in lines if not line.startswith(volatile)), encoding="utf-8")


def compile_catalogues() -> None:
    """Write the .mo file of each catalogue, unless it is newer."""
    for source in (CATALOGUE, SCRIPTS):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
            continue
        half = target.with_suffix(f".{os.getpid()}")
        with half.open("wb") as file:
            write_mo(file, translated(source))
        half.replace(target)


if __name__ == "__main__":
    if sys.argv[1:] != ["compile"]:
        sys.exit("Usage: python -m loyalty_site.translations compile")
    compile_catalogues()

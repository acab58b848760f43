"""Every sentence that a person reads exists in both languages."""

import re
from pathlib import Path

import django.contrib.admin
import pytest
from babel.messages import jslexer
from babel.messages.extract import extract
from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JavaScriptCatalog

from loyalty_site import translations

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = [path for path in translations.sources() if path.suffix != ".py"]
SCRIPTS = [path for path in sorted((ROOT / "static").rglob("*.js")) if ".min." not in path.name]

# Names and signs that read the same in every language.
SAME_EVERYWHERE = {
    "English",
    "中文",
    "简体中文",
    "CSV",
    "QR",
    "API",
    "SKU",
    "ID",
    "NPS",
    "CSAT",
    "EUR",
    "px",
    "en",
    "http",
    "https",
}


def test_every_message_is_translated() -> None:
    _catalog, report = translations.build()
    assert report.problems == []


def test_python_messages_are_found() -> None:
    source = """
_("Hello")
gettext_lazy("Two " "parts")
ngettext("%(n)s point", "%(n)s points", n) % {"n": n}
pgettext("tier", "Gold")
npgettext("till", "%d item", "%d items", n)
translation.gettext("By attribute")
_(variable)
"""
    found = [(each.context, each.id) for each in translations.found_in_python(source, "x.py")]
    assert sorted(found, key=str) == sorted(
        [
            (None, "Hello"),
            (None, "Two parts"),
            (None, ("%(n)s point", "%(n)s points")),
            ("tier", "Gold"),
            ("till", ("%d item", "%d items")),
            (None, "By attribute"),
        ],
        key=str,
    )


def test_template_messages_are_found() -> None:
    source = """
{% translate "It's 5% more" %} {% translate 'Gold' context "tier" %} {% include "x" with label=_("Close") %}
{% blocktranslate trimmed with name=customer.name %}
  Hello {{ name }},
  welcome.
{% endblocktranslate %}
{% blocktranslate count n=points %}{{ n }} point{% plural %}{{ n }} points{% endblocktranslate %}
{{ value|default:_("none") }} {% comment %}{% translate "gone" %}{% endcomment %}
"""
    found = [(each.context, each.id) for each in translations.found_in_template(source, "x.html")]
    assert found == [
        (None, "It's 5%% more"),
        ("tier", "Gold"),
        (None, "Close"),
        (None, "Hello %(name)s, welcome."),
        (None, ("%(n)s point", "%(n)s points")),
        (None, "none"),
    ]


CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "%(n)s point"
msgid_plural "%(n)s points"
msgstr[0] "{plural}"

msgid "Hello %(name)s"
msgstr "{hello}"
"""
GOOD = {"plural": "%(n)s 积分", "hello": "%(name)s，您好"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"hello": ""}, "missing: 'Hello %(name)s'"),
        ({"hello": "您好"}, "other placeholders: 'Hello %(name)s'"),
        ({"plural": "积分"}, "other placeholders: '%(n)s point'"),
        ({"plural": "%(m)s 积分"}, "other placeholders: '%(n)s point'"),
    ],
)
def test_a_wrong_translation_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], problem: str
) -> None:
    (tmp_path / "customers").mkdir()
    (tmp_path / "customers/views.py").write_text(
        '_("Hello %(name)s"); ngettext("%(n)s point", "%(n)s points", 2)', encoding="utf-8"
    )
    catalogue = tmp_path / "django.po"
    catalogue.write_text(CATALOGUE.format(**GOOD | change), encoding="utf-8")
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "CATALOGUE", catalogue)

    catalog, report = translations.build()
    assert [text.partition(" (")[0] for text in report.problems] == ([problem] if problem else [])

    # What is written reads back as the same.
    translations.write(catalog)
    assert translations.build()[1] == report


def visible_text(source: str) -> list[str]:
    """Return what a reader would see of a template that no translation tag covers."""
    blocks = r"{% block (?:\w*class|coltype) %}.*?{% endblock.*?%}|{% blocktranslate.*?endblocktranslate %}|{% comment.*?endcomment %}|<(script|style|code)\b.*?</\1>"
    source = re.sub(blocks, " ", source, flags=re.DOTALL)
    source = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<!--.*?-->", "\0", source, flags=re.DOTALL)
    spoken = re.findall(r"""\s(?:alt|title|placeholder|aria-label|aria-description)\s*=\s*["']([^"'<>]*)""", source)
    source = re.sub(r"<[^>]*>|&#?\w+;", "\n", source)
    words = re.compile(r"[^\W\d_]{2,}")
    return [
        " ".join(text.split())
        for text in [*re.split(r"[\n\0]", source), *"\0".join(spoken).split("\0")]
        if set(words.findall(text)) - SAME_EVERYWHERE
    ]


# These speak both languages at once: nobody can be asked which when the server is broken, out of reach or told nonsense.
BOTH_AT_ONCE = ("400.html", "500.html", "offline.html")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_template_says_something_in_one_language_only(path: Path) -> None:
    if path.name in BOTH_AT_ONCE:
        found = "\n".join(visible_text(path.read_text(encoding="utf-8")))
        assert re.search(r"[a-z]{4}", found)
        assert re.search(r"[\u4e00-\u9fff]{3}", found)
        return
    assert visible_text(path.read_text(encoding="utf-8")) == []


def test_text_in_one_language_is_seen() -> None:
    assert visible_text('<p title="{% translate "x" %}">{% translate "Hello" %} &middot; {{ name }} · QR 5</p>') == []
    assert visible_text('<p class="lead">Hello {{ name }}</p><img alt="A cup">') == ["Hello", "A cup"]
    assert visible_text('<p title="您好"></p>') == ["您好"]


def sentences(source: str) -> list[str]:
    """Return the string constants of a script that look like something to read."""
    readable = re.compile(r"[A-Z][a-z]+ [a-z]+|[\u4e00-\u9fff]|^[A-Z][a-z]{3,}[.!?…]?$")
    return [
        token.value
        for token in jslexer.tokenize(source, jsx=False, template_string=True)
        if token.type in ("string", "template_string") and readable.search(token.value[1:-1])
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_script_says_something(path: Path) -> None:
    """Scripts take their words from data attributes, which templates translate."""
    names = {"Escape", "Enter", "Space", "Delete", "Backspace", "Home", "Accept", "Content-Type", "Infinity"}
    found = [text for text in sentences(path.read_text(encoding="utf-8")) if text[1:-1] not in names]
    assert found == []


def test_words_in_a_script_are_seen() -> None:
    assert sentences("""say("Copy done"); key === 'enter'; x = `Ein "${y}" Satz`; 'use strict'; "Copied!" """) == [
        '"Copy done"',
        '"Copied!"',
    ]


def test_the_scripts_of_the_admin_speak_chinese() -> None:
    """Django's own Chinese lags behind its scripts; what it lacks is in our catalogue of scripts."""
    admin = Path(django.contrib.admin.__file__).parent
    said = set()
    for path in (admin / "static/admin/js").rglob("*.js"):
        if "vendor" not in path.parts:
            with path.open("rb") as file:
                for __, message, __, context in extract("javascript", file):
                    text = message if isinstance(message, str) else message[0]
                    said.add(f"{context}\x04{text}" if context else text)
    chinese = DjangoTranslation("zh-hans", domain="djangojs", localedirs=[str(admin / "locale")])
    known = JavaScriptCatalog(translation=chinese).get_catalog()
    assert len(said) > 30
    assert {message for message in said if not known.get(message)} == set()

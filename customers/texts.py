"""Merchant-written texts in both languages: two columns, one property."""

from typing import Any

from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

# What a list of the admin writes above such a column.
HEADINGS = {"name": pgettext_lazy("of a thing", "name"), "title": _("title")}


class LocalText:
    """Read `<field>_en` or `<field>_zh` by the active language; the other language serves as fallback."""

    def __init__(self, field: str) -> None:
        self.field = field
        if field in HEADINGS:
            self.short_description = HEADINGS[field]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        return local_text(getattr(instance, f"{self.field}_en"), getattr(instance, f"{self.field}_zh"))


def local_text(english: str, chinese: str, language: str | None = None) -> str:
    """Return the text in a language (the active one by default), or the other when that one is empty."""
    if (language or get_language() or "en").startswith("zh"):
        return chinese or english
    return english or chinese

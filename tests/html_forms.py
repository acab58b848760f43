"""The forms of a page: what a browser would send with them, so that a test can send something else."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

TYPED = {"text", "search", "textarea", "email", "tel", "url", "password", "number", "date", "time", "datetime-local"}


@dataclass
class Field:
    """Something that can be filled in or chosen; `kind` is the type of an input, "select" or "textarea"."""

    name: str
    kind: str
    value: str = ""
    is_sent: bool = True  # as it stands: boxes that are not ticked are not
    is_required: bool = False
    is_wrong: bool = False
    longest: int | None = None
    looks: str = ""  # its class
    choices: list[str] = field(default_factory=list)


@dataclass
class Form:
    """A form and where it goes."""

    method: str
    action: str
    fields: list[Field] = field(default_factory=list)

    def names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.fields if each.name)

    def enter(self) -> Field | None:
        """Return the button that the Enter key presses: the first, whether it says something or not."""
        return next((each for each in self.fields if each.kind == "submit"), None)


class _Reader(HTMLParser):
    """Gather the forms; fields that stand elsewhere name theirs by its id."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._by_id: dict[str, Form] = {}
        self._elsewhere: list[tuple[str, Field]] = []
        self._form: Form | None = None
        self._open: Field | None = None  # a text area or a select

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("method", "get").lower(), given.get("action", ""))
            self.forms.append(self._form)
            self._by_id[given.get("id", "")] = self._form
        elif tag == "option" and self._open is not None:
            self._offer(given.get("value", ""), is_chosen="selected" in given)
        elif tag in ("input", "textarea", "select", "button") and "disabled" not in given:
            self._add(tag, given)

    def _add(self, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text") if tag in ("input", "button") else tag
        if kind == "button" or not (given.get("name") or kind == "submit"):
            return
        longest = given.get("maxlength", "")
        new = Field(
            given.get("name", ""), kind, given.get("value", "on" if kind == "checkbox" else ""), is_required="required" in given,
            is_wrong=given.get("aria-invalid") == "true", longest=int(longest) if longest else None,
            is_sent=kind not in ("checkbox", "radio") or "checked" in given, looks=given.get("class", ""),
        )  # fmt: skip
        if tag in ("textarea", "select"):
            self._open = new
        if "form" in given:
            self._elsewhere.append((given["form"], new))
        elif self._form is not None:
            self._form.fields.append(new)

    def _offer(self, value: str, *, is_chosen: bool) -> None:
        select = self._open
        if is_chosen or not select.choices:
            select.value = value
        select.choices.append(value)

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._open.kind == "textarea":
            self._open.value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag in ("textarea", "select"):
            self._open = None

    def close(self) -> None:
        super().close()
        for name, each in self._elsewhere:
            if name in self._by_id:
                self._by_id[name].fields.append(each)


def forms_of(html: str) -> list[Form]:
    """Return the forms of a page in their order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.forms

"""What is wrong with a value, in a sentence of the caller's language: pydantic's own sentences are English only."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from customers.api.problems import Fault

MOST = 50


def fault_of(error: Mapping[str, Any]) -> Fault:
    """Return where a fault is (a JSON pointer into the body, or a parameter's name) and what to do about it."""
    source, *way = error["loc"]
    if source == "body":  # noqa: SIM108 (the comment needs its line)
        # The first step is the name of the view's argument.
        pointer = "".join(f"/{_escaped(step)}" for step in way[1:])
    else:
        pointer = str(way[-1]) if way else source
    return Fault(pointer, _sentence(error["type"], error.get("ctx", {})))


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


def _sentence(kind: str, context: Mapping[str, Any]) -> str:
    """Return the sentence for one kind of fault."""
    if kind == "value_error":
        return str(context.get("error", "")) or _("This value is not accepted.")
    sentences = {
        "missing": _("Missing."),
        "extra_forbidden": _("There is no such field."),
        "string_type": _("Must be a text."),
        "string_too_short": _("Must not be empty."),
        "string_too_long": _("Must have at most %(limit)s characters.") % {"limit": context.get("max_length")},
        "string_pattern_mismatch": _("Must be one line of text that neither begins nor ends with a blank."),
        "int_type": _("Must be a whole number."),
        "int_parsing": _("Must be a whole number."),
        "int_parsing_size": _("Is too large."),
        "int_from_float": _("Must be a whole number."),
        "greater_than_equal": _("Must be %(limit)s or more.") % {"limit": context.get("ge")},
        "less_than_equal": _("Must be %(limit)s or less.") % {"limit": context.get("le")},
        "bool_type": _("Must be true or false."),
        "list_type": _("Must be a list."),
        "too_short": _("Needs at least %(limit)s.") % {"limit": context.get("min_length")},
        "too_long": _("Has room for %(limit)s at most.") % {"limit": context.get("max_length")},
        "literal_error": _("Must be one of %(values)s.") % {"values": context.get("expected")},
        "model_type": _("Must be an object."),
        "model_attributes_type": _("Must be an object."),
        "dict_type": _("Must be an object."),
    }
    return sentences.get(kind) or _("This value is not accepted.")

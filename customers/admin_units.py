"""Money, percentages and factors in the admin: typed and read as people write them, in forms, lists and records."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import Field, Model
from django.forms import Field as FormField
from django.http import HttpRequest
from django.utils.functional import lazystr
from django.utils.text import capfirst, format_lazy

from customers.money import (
    FACTOR_DIGITS,
    FACTOR_HINT,
    PERCENT_DIGITS,
    PERCENT_HINT,
    FactorField,
    MoneyField,
    PercentField,
    money_hint,
    trimmed_text,
)
from customers.templatetags.loyalty import money

# kind -> form field, how it is typed, how it is shown
UNITS: dict[str, tuple[type[FormField], Any, Callable[[int], str]]] = {
    "money": (MoneyField, money_hint, money),
    "percent": (PercentField, lambda: PERCENT_HINT, lambda value: f"{trimmed_text(value, PERCENT_DIGITS)} %"),
    "factor": (FactorField, lambda: FACTOR_HINT, lambda value: f"× {trimmed_text(value, FACTOR_DIGITS)}"),
}


class UnitsAdminMixin:
    """Say in `units` which columns are money, percent or factor, each with its help text:
    `units = {"price": ("money", _("Without it …"))}`.

    Forms then read 12.50; `price_shown` is a column and a read-only field that shows €12.50.
    """

    units: dict[str, tuple[str, Any]] = {}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        for name, (kind, _help) in self.units.items():
            shown = partial(_shown, name=name, write=UNITS[kind][2])
            shown.short_description = self.model._meta.get_field(name).verbose_name
            setattr(self, f"{name}_shown", shown)

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> FormField | None:
        if db_field.name not in self.units:
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        kind, help_text = self.units[db_field.name]
        form_field, hint, _write = UNITS[kind]
        initial = db_field.get_default() if db_field.has_default() else None
        return form_field(
            label=capfirst(db_field.verbose_name),
            required=not db_field.blank,
            initial=initial,
            help_text=format_lazy("{} {}", hint(), help_text) if help_text else lazystr(hint()),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        fields = _renamed(super().get_readonly_fields(request, obj), set(self.units))
        return fields if self._can_type(request, obj) else [*fields, *(f"{name}_shown" for name in self.units)]

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Show the written value where nothing can be typed; Django would show the bare number."""
        names = set(self.units)
        if self._can_type(request, obj):
            names &= set(super().get_readonly_fields(request, obj))
        return [
            (title, {**rest, "fields": _renamed(rest["fields"], names)})
            for title, rest in super().get_fieldsets(request, obj)
        ]

    def _can_type(self, request: HttpRequest, obj: Model | None) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)


def _shown(obj: Model, *, name: str, write: Callable[[int], str]) -> str | None:
    value = getattr(obj, name)
    return None if value is None else write(value)


def _renamed(fields: Any, names: set[str]) -> list[Any]:
    return [
        _renamed(field, names) if isinstance(field, list | tuple) else f"{field}_shown" if field in names else field
        for field in fields
    ]

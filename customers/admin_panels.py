"""What a record shows besides its own fields: a few facts above the form, bounded tables below it.

An app above adds its own to a record of this one by extending `panels` and `facts` of the registered admin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from customers.models import User

NEWEST = 10


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One figure above the form."""

    label: Any
    value: Any
    hint: Any = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A short table below the form: the newest rows and where to find the others."""

    title: Any
    columns: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    empty: Any
    numeric: frozenset[int] = field(default_factory=frozenset)  # columns aligned as numbers
    all_url: str = ""

    @property
    def cells(self) -> list[list[tuple[Any, bool]]]:
        """The rows as (content, is a number), for the template."""
        return [[(cell, n in self.numeric) for n, cell in enumerate(row)] for row in self.rows]


def list_url(model: type[Model], **query: Any) -> str:
    """Return the address of a model's list, filtered."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", query=query)


def record_url(row: Model) -> str:
    """Return the address of one record."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def may_view(user: User | AnonymousUser, model: type[Model]) -> bool:
    """Return whether somebody may read a model's rows."""
    app, name = model._meta.app_label, model._meta.model_name
    return user.has_perm(f"{app}.view_{name}") or user.has_perm(f"{app}.change_{name}")


class RecordMixin:
    """A record with facts above its form and panels below it."""

    change_form_template = "admin/record.html"

    def facts(self, request: HttpRequest, obj: Any) -> list[Fact]:
        """Return the figures above the form."""
        return []

    def panels(self, request: HttpRequest, obj: Any) -> list[Panel]:
        """Return the tables below the form, those that the person may read."""
        return []

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None:
            context = {**context, "facts": self.facts(request, obj), "panels": self.panels(request, obj)}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

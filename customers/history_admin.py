"""What every list of the admin shares, and the read-only admin of history.

At millions of rows an exact count and a jump to the last page cost seconds, so counts stop at a cap and the pages with them.
"""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property

COUNT_CAP = 10_000


class CappedPaginator(Paginator):
    """Count up to a cap; a longer list says "more than 10,000" and ends there: a search or a filter leads further."""

    cap = COUNT_CAP

    @cached_property
    def rows_up_to_cap(self) -> int:
        """How many rows there are, cap + 1 meaning "more"; the database stops reading there."""
        return self.object_list.order_by()[: self.cap + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.rows_up_to_cap, self.cap)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than are counted."""
        return self.rows_up_to_cap > self.cap


class PortalAdmin(admin.ModelAdmin):
    """A list that stays quick however long it is: capped count, no facets, newest first.

    Subclasses name `list_select_related`; an `ordering` of their own ends with something unique.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 200
    ordering = ["-pk"]

    def get_paginator(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Paginator:
        """Give Django's own page of a record's history an order that two changes of one moment cannot upset."""
        if queryset.model is LogEntry:
            queryset = queryset.order_by("action_time", "pk")
        return super().get_paginator(request, queryset, *args, **kwargs)

    def offers(self, action: str, obj: Any) -> bool:
        """Return whether a button makes sense on this record; who may press it is the action's own matter."""
        return True

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None and context.get("action_form"):
            field = context["action_form"].fields["action"]
            field.choices = [(name, label) for name, label in field.choices if name and self.offers(name, obj)]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


class HistoryAdmin(PortalAdmin):
    """Rows that are only read here: nobody adds, changes or deletes them, and no action touches them.

    Who holds the model's view permission sees them. Columns do not sort: without an index a sort reads the whole history.
    """

    actions = None
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class HistoryInline(admin.TabularInline):
    """Rows of history below the record they belong to, read only."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

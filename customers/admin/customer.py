"""The customer's record, as far as this app knows it; apps above add their panels and buttons."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from customers import addresses, announcements
from customers.admin.privacy import PrivacyOnCustomer
from customers.admin_forms import IdentifierForm, IdentifierFormSet
from customers.admin_panels import NEWEST, Fact, Panel, RecordMixin, list_url, may_view, record_url
from customers.enrolment import new_member_number
from customers.forecast_words import held_against
from customers.history_admin import PortalAdmin
from customers.models import Consent, Customer, Identifier, Purchase, Standing, StandingChange, StandingNight
from customers.search import matching_ids
from customers.templatetags.loyalty import money


class IdentifierInline(admin.TabularInline):
    """E-mail, phone, card: everything that finds this customer."""

    model = Identifier
    form = IdentifierForm
    formset = IdentifierFormSet
    fields = ["kind", "value", "verified_at"]
    readonly_fields = ["verified_at"]
    ordering = ["pk"]
    extra = 0


class CustomerAdmin(PrivacyOnCustomer, RecordMixin, PortalAdmin):
    """Customers: found by any of their identifiers, never deleted (erasure keeps the books)."""

    autocomplete_fields = ["preferred_categories", "disliked_categories"]
    inlines = [IdentifierInline]
    list_display = ["member_number", "name", "email", "phone", "home_store", "enrolled_on"]
    list_display_links = ["member_number", "name"]
    list_filter = ["enrolled_at", "home_store", "language"]
    list_select_related = ["home_store"]
    search_fields = ["member_number"]
    search_help_text = _("Member number, e-mail, phone or the beginning of the name.")
    ordering = ["-enrolled_at", "-pk"]
    sortable_by = ["member_number", "enrolled_on"]
    readonly_fields = ["user", "spending_held_until", "enrolled_at", "recorded_at", "merged_into", "erased_at"]
    fieldsets = [
        (None, {"fields": ["member_number", "name", "language", "birthday", "home_store"]}),
        (_("Tastes"), {"fields": ["is_personalised", "preferred_categories", "disliked_categories"]}),
        (
            _("Log-in and dates"),
            {
                "fields": ["time_zone", "user", "spending_held_until", "enrolled_at", "recorded_at"],
                "classes": ["collapse"],
            },
        ),
    ]

    @admin.display(description=_("e-mail"))
    def email(self, customer: Customer) -> str:
        return customer.email

    @admin.display(description=_("phone"))
    def phone(self, customer: Customer) -> str:
        return customer.phone

    @admin.display(description=_("enrolled on"), ordering="enrolled_at")
    def enrolled_on(self, customer: Customer) -> dt.date:
        return timezone.localdate(customer.enrolled_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return super().get_queryset(request).with_contact()

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=matching_ids(search_term)), False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"member_number": new_member_number()} | super().get_changeform_initial_data(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Customer | None = None) -> list[str]:
        """The number is printed on the card: it does not change."""
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "member_number"] if obj else fields

    def has_delete_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Tell other systems, in the transaction of the change; another e-mail address holds spending for a while."""
        before = addresses.emails_of(form.instance) if change else {}
        super().save_related(request, form, formsets, change)
        if addresses.note_change(customer=form.instance, before=before, now=timezone.now()):
            sentence = _("The owner is told at the old e-mail address, and spending waits for 72 hours.")
            self.message_user(request, sentence, messages.WARNING)
        fields = set(form.changed_data) | ({"identifiers"} if any(one.has_changed() for one in formsets) else set())
        if not change:
            announcements.customer_enrolled(form.instance, source="admin")
        elif fields:
            announcements.customer_changed(form.instance, fields=fields, at=timezone.now())

    def facts(self, request: HttpRequest, obj: Customer) -> list[Fact]:
        return [*super().facts(request, obj), *standing_facts(obj)]

    def panels(self, request: HttpRequest, customer: Customer) -> list[Panel]:
        found = [*super().panels(request, customer), *standing_panels(customer)]
        if may_view(request.user, Purchase):
            found.append(purchases_panel(customer))
        if may_view(request.user, Consent):
            found.append(consents_panel(customer))
        return found


def standing_facts(customer: Customer) -> list[Fact]:
    """Return rhythm, quintiles and forecasts as of the last night, as far as there are any."""
    standing = Standing.objects.filter(customer=customer).first()
    if standing is None:
        return []
    days = standing.usual_days
    usual = ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    found = [Fact(label=_("Usually every"), value=usual, hint=_rhythm_words(standing, timezone.now()))]
    if standing.recency is not None:
        score = f"{standing.recency} · {standing.frequency} · {standing.monetary}"
        found.append(
            Fact(label=_("Lately, often, much"), value=score, hint=_("By fifths of all customers; 5 is best."))
        )
    if standing.chance_permille is not None:
        chance = f"{round(standing.chance_permille / 10)} %"
        found.append(Fact(label=_("Chance to buy within 8 weeks"), value=chance))
    if standing.value is not None:
        between = {"low": money(standing.value_low), "high": money(standing.value_high)}
        hint = _("Between %(low)s and %(high)s, as far as the forecast knows.") % between
        night = StandingNight.objects.order_by("-day_date").first()
        hint = f"{hint} {held_against(night.forecast) if night else ''}".strip()
        found.append(Fact(label=_("Worth in the next year"), value=money(standing.value), hint=hint))
    return found


def standing_panels(customer: Customer) -> list[Panel]:
    """Return how the three figures changed, the newest first; nothing where there never were any."""
    rows = StandingChange.objects.filter(customer=customer).order_by("-day_date")[:NEWEST]
    panel = Panel(
        title=_("Lately, often, much"),
        columns=[_("day"), _("recency"), _("frequency"), _("monetary value")],
        numeric=frozenset({1, 2, 3}),
        rows=[[row.day_date, row.recency, row.frequency, row.monetary] for row in rows],
        empty="",
    )
    return [panel] if panel.rows else []


def _rhythm_words(standing: Standing, now: dt.datetime) -> str:
    if now >= standing.lapsed_at:
        return pgettext_lazy("of a customer", "lapsed")
    if now >= standing.lapsing_at:
        return _("lapsing")
    return _("due") if now >= standing.due_at else _("not due yet")


def purchases_panel(customer: Customer) -> Panel:
    """Return the newest receipts of a customer."""
    rows = Purchase.objects.filter(customer=customer).newest_first().select_related("store")[:NEWEST]
    return Panel(
        title=_("Purchases"),
        columns=[_("receipt"), _("store"), _("occurred at"), _("total")],
        numeric=frozenset({3}),
        rows=[
            [
                format_html('<a href="{}">{}</a>', record_url(row), row.reference),
                row.store,
                row.occurred_at,
                money(row.total),
            ]
            for row in rows
        ],
        empty=_("Nothing bought yet."),
        all_url=list_url(Purchase, q=customer.member_number),
    )


def consents_panel(customer: Customer) -> Panel:
    """Return the newest words of a customer on what they agree to."""
    rows = Consent.objects.filter(customer=customer).order_by("-pk")[:NEWEST]
    return Panel(
        title=_("Consents"),
        columns=[_("channel"), _("purpose"), _("granted"), _("source"), _("occurred at")],
        rows=[
            [
                row.get_channel_display(),
                row.get_purpose_display(),
                _("yes") if row.is_granted else _("no"),
                row.source,
                row.occurred_at,
            ]
            for row in rows
        ],
        empty=_("Nothing agreed to yet."),
        all_url=list_url(Consent, q=customer.member_number),
    )


admin.site.register(Customer, CustomerAdmin)

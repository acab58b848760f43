"""The customer's record with everything the three apps know; registered after the admins of all apps."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _

from customers.admin import CustomerAdmin
from customers.admin_panels import NEWEST, Panel, list_url, may_view, record_url
from customers.models import Customer
from loyalty_site.admin_timeline import TimelineOnCustomer
from rewards.admin.tiers import TiersOnCustomer
from surveys.models import Case, ContactLogEntry, Response, Survey


class CustomerRecordAdmin(TimelineOnCustomer, TiersOnCustomer, CustomerAdmin):
    """Balances, statement, coupons, purchases, consents, answers, cases and conversations on one page."""

    actions = ["timeline", *TiersOnCustomer.actions, *CustomerAdmin.actions]

    def panels(self, request: HttpRequest, obj: Customer) -> list[Panel]:
        found = super().panels(request, obj)
        if may_view(request.user, Response):
            found.append(answers_panel(obj))
        if may_view(request.user, Case):
            found.append(cases_panel(obj))
        if may_view(request.user, ContactLogEntry):
            found.append(contacts_panel(obj))
        return found


def answers_panel(customer: Customer) -> Panel:
    """Return the newest answered surveys; of a confidential survey nobody learns who answered."""
    rows = Response.objects.completed().filter(
        customer=customer, version__survey__anonymity=Survey.Anonymity.IDENTIFIED
    )
    return Panel(
        title=_("Answered surveys"),
        columns=[_("survey"), _("channel"), _("completed at")],
        rows=[
            [row.version.survey.title, row.channel, row.completed_at]
            for row in rows.select_related("version__survey").order_by("-completed_at", "-pk")[:NEWEST]
        ],
        empty=_("No survey answered yet."),
    )


def cases_panel(customer: Customer) -> Panel:
    """Return the newest cases."""
    rows = Case.objects.filter(customer=customer).order_by("-pk")[:NEWEST]
    return Panel(
        title=_("Cases"),
        columns=[_("case"), _("state"), _("due at")],
        rows=[[_link(row), row.get_state_display(), row.due_at] for row in rows],
        empty=_("No case."),
    )


def contacts_panel(customer: Customer) -> Panel:
    """Return the newest conversations."""
    rows = ContactLogEntry.objects.filter(customer=customer).select_related("by").order_by("-occurred_at", "-pk")
    return Panel(
        title=_("Contact log"),
        columns=[_("occurred at"), _("channel"), _("topic"), _("by")],
        rows=[[row.occurred_at, row.get_channel_display(), row.topic, row.by] for row in rows[:NEWEST]],
        empty=_("Nobody has talked to this customer yet."),
        all_url=_list_of(ContactLogEntry, customer),
    )


def _link(row: Case) -> str:
    return format_html('<a href="{}">{}</a>', record_url(row), row) if admin.site.is_registered(type(row)) else str(row)


def _list_of(model: type, customer: Customer) -> str:
    return list_url(model, customer__id__exact=customer.pk) if admin.site.is_registered(model) else ""


admin.site.unregister(Customer)
admin.site.register(Customer, CustomerRecordAdmin)

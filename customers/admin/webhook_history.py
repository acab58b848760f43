"""Webhooks: what was told, to whom, and how it went. Read only; a delivery can be sent again."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers import webhook_endpoints
from customers.admin_panels import record_url
from customers.history_admin import HistoryAdmin
from customers.models import WebhookDelivery, WebhookEvent
from customers.webhook_delivery import body_of
from customers.webhook_endpoints import MAY_CHANGE, WrongState

ON_RECORD = [ActionLocation.CHANGE_FORM]
# What an attempt ran into, by the short word that its row holds.
FAULTS = {
    "certificate": gettext_lazy("its certificate is not valid for this name"),
    "connection": gettext_lazy("it cannot be reached"),
    "disabled": gettext_lazy("the endpoint was disabled"),
    "host": gettext_lazy("its address has no name"),
    "internal": gettext_lazy("its name leads into a private network"),
    "name": gettext_lazy("its name is not known"),
    "not_http": gettext_lazy("it does not speak HTTP"),
    "port": gettext_lazy("its port is not open for webhooks"),
    "redirect": gettext_lazy("it leads elsewhere, and redirects are not followed"),
    "scheme": gettext_lazy("its address does not begin with https://"),
    "secret": gettext_lazy("its secret cannot be read: rotate it"),
    "timeout": gettext_lazy("it did not answer within 15 seconds"),
    "tls": gettext_lazy("no secure connection could be made"),
    "url": gettext_lazy("its address is not a web address"),
    "userinfo": gettext_lazy("its address holds a user name"),
}


def outcome(delivery: WebhookDelivery) -> str:
    """Say what came of the last attempt."""
    status = str(delivery.status) if delivery.status is not None else ""
    fault = str(FAULTS.get(delivery.error, delivery.error))
    return ": ".join(part for part in (status, fault) if part)


@admin.register(WebhookEvent)
class WebhookEventAdmin(HistoryAdmin):
    """What was announced, newest first, as long as it is kept."""

    list_display = ["type", "uid", "member", "occurred_at", "recorded_at", "spread_at"]
    list_filter = ["type"]
    list_select_related = ["customer"]
    search_fields = ["uid__exact", "customer__member_number__exact"]
    search_help_text = gettext_lazy("Message id or member number, complete.")
    fields = ["uid", "type", "member", "occurred_at", "recorded_at", "spread_at", "body"]
    readonly_fields = ["member", "body"]

    @admin.display(description=gettext_lazy("member number"))
    def member(self, event: WebhookEvent) -> str:
        return event.customer.member_number if event.customer else ""

    @admin.display(description=gettext_lazy("body"))
    def body(self, event: WebhookEvent) -> str:
        return format_html("<code>{}</code>", body_of(event).decode())


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(HistoryAdmin):
    """Every event on its way to every endpoint, newest first; one can be sent again."""

    actions = ["send_again"]
    list_display = ["event_type", "endpoint", "state", "attempts", "last_answer", "attempted_at", "next_attempt"]
    list_filter = ["state", "endpoint", "event__type"]
    list_select_related = ["endpoint", "event"]
    search_fields = ["event__uid__exact", "event__customer__member_number__exact"]
    search_help_text = gettext_lazy("Message id or member number, complete.")
    fields = [
        "message", "endpoint", "state", "attempts", "last_answer", "attempted_at", "next_attempt", "finished_at", "body",
    ]  # fmt: skip
    readonly_fields = ["message", "last_answer", "next_attempt", "body"]

    @admin.display(description=gettext_lazy("event"))
    def event_type(self, delivery: WebhookDelivery) -> str:
        return delivery.event.type

    @admin.display(description=pgettext_lazy("of a webhook", "message"))
    def message(self, delivery: WebhookDelivery) -> str:
        return f"{delivery.event.type} · {delivery.event.uid}"

    @admin.display(description=gettext_lazy("last answer"))
    def last_answer(self, delivery: WebhookDelivery) -> str:
        return outcome(delivery)

    @admin.display(description=gettext_lazy("next attempt"))
    def next_attempt(self, delivery: WebhookDelivery) -> Any:
        return delivery.next_attempt_at if delivery.state == WebhookDelivery.State.PENDING else None

    @admin.display(description=gettext_lazy("body"))
    def body(self, delivery: WebhookDelivery) -> str:
        return format_html("<code>{}</code>", body_of(delivery.event).decode())

    def has_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_CHANGE)

    def offers(self, action: str, obj: WebhookDelivery) -> bool:
        return obj.state != WebhookDelivery.State.PENDING

    @admin.action(location=ON_RECORD, description=gettext_lazy("Send again"), permissions=["again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> HttpResponse:
        """Send it once more, under the same message id."""
        delivery = queryset.get()
        try:
            webhook_endpoints.replay(delivery=delivery, now=timezone.now())
        except WrongState as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, delivery, "again")
            messages.success(request, _("It is sent again within seconds, under the same message id."))
        return redirect(record_url(delivery))

"""Endpoints of webhooks: made, rotated, tested, paused. The secret stands on one page, once."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers import webhook_endpoints
from customers.admin.webhook_history import outcome
from customers.admin_pages import form_page
from customers.admin_panels import NEWEST, Fact, Panel, RecordMixin, list_url, may_view, record_url
from customers.history_admin import COUNT_CAP, PortalAdmin
from customers.models import WebhookDelivery, WebhookEndpoint
from customers.models.webhook import EventType
from customers.webhook_endpoints import EarlierSecretSigns, NewSecret, WrongState
from customers.webhook_forms import EndpointForm, RotateSecretForm, SendAgainForm

ON_RECORD = [ActionLocation.CHANGE_FORM]
State = WebhookEndpoint.State


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(RecordMixin, PortalAdmin):
    """Who may add endpoints makes, redirects and rotates them; who may change them names, pauses, tests and sends again."""

    form = EndpointForm
    list_display = ["label", "host", "state", "reason", "delivered_at", "failing_since_at"]
    list_filter = ["state"]
    search_fields = ["label", "url"]
    actions = ["send_test", "pause", "resume", "send_failed_again", "rotate", "disable"]
    add_fieldsets = [(None, {"fields": ["label", "url"]}), (gettext_lazy("Events"), {"fields": ["event_types"]})]

    def get_fieldsets(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        events = "event_types" if self.has_add_permission(request) else "told"
        state = ["state", "reason", "changed_at", "delivered_at", "failing_since_at", "failures", "rests_until"]
        return [
            (None, {"fields": ["label", "url", events]}),
            (gettext_lazy("State"), {"fields": state}),
            (gettext_lazy("Secret"), {"fields": ["previous_until"]}),
            (gettext_lazy("Dates"), {"fields": ["created_at", "starts_at", "by"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> list[str]:
        if obj is None:
            return []
        fields = [
            "state", "reason", "changed_at", "delivered_at", "failing_since_at", "failures", "rests_until",
            "previous_until", "created_at", "starts_at", "by",
        ]  # fmt: skip
        return fields if self.has_add_permission(request) else ["url", "told", *fields]

    def get_form(self, request: HttpRequest, obj: WebhookEndpoint | None = None, **kwargs: Any) -> Any:
        """Where the news goes is for those who may make endpoints; the others change the label."""
        if obj is not None and not self.has_add_permission(request):
            kwargs["form"] = admin.ModelAdmin.form
            kwargs["fields"] = ["label"]
        return super().get_form(request, obj, **kwargs)

    @admin.display(description=gettext_lazy("address"), ordering="url")
    def host(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.url.partition("://")[2].partition("/")[0]

    @admin.display(description=gettext_lazy("events"))
    def told(self, endpoint: WebhookEndpoint) -> str:
        return "; ".join(str(EventType(name).label) for name in endpoint.event_types)

    def facts(self, request: HttpRequest, endpoint: WebhookEndpoint) -> list[Fact]:
        states = WebhookDelivery.State
        return [
            *super().facts(request, endpoint),
            Fact(label=_("waiting"), value=self._count(endpoint, states.PENDING)),
            Fact(label=_("failed"), value=self._count(endpoint, states.FAILED)),
        ]

    def _count(self, endpoint: WebhookEndpoint, state: str) -> int:
        return endpoint.deliveries.filter(state=state)[:COUNT_CAP].count()

    def panels(self, request: HttpRequest, endpoint: WebhookEndpoint) -> list[Panel]:
        found = super().panels(request, endpoint)
        if not may_view(request.user, WebhookDelivery):
            return found
        rows = endpoint.deliveries.select_related("event").order_by("-pk")[:NEWEST]
        panel = Panel(
            title=_("Deliveries"),
            columns=[_("event"), _("occurred at"), _("state"), _("attempts"), _("last answer")],
            numeric=frozenset({3}),
            rows=[
                [
                    format_html('<a href="{}">{}</a>', record_url(row), row.event.type), row.event.occurred_at,
                    row.get_state_display(), row.attempts, outcome(row),
                ]
                for row in rows
            ],
            empty=_("Nothing delivered yet."),
            all_url=list_url(WebhookDelivery, endpoint__id__exact=endpoint.pk),
        )  # fmt: skip
        return [*found, panel]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deliveries name their endpoint: it is disabled instead."""
        return False

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def offers(self, action: str, obj: WebhookEndpoint) -> bool:
        active, listening = obj.state == State.ACTIVE, obj.state != State.DISABLED
        fits = {"send_test": active, "pause": active, "resume": not active, "disable": listening}
        return fits.get(action, listening or action == "rotate")

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "customers_webhookendpoint"
        return [
            path("<int:pk>/rotate/", wrap(self.rotate_page), name=f"{name}_rotate"),
            path("<int:pk>/again/", wrap(self.again_page), name=f"{name}_again"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        if change:
            webhook_endpoints.change(endpoint=obj, fields=form.changed_data)
        else:
            obj.by = request.user
            request.new_secret = webhook_endpoints.issue(endpoint=obj, now=timezone.now())

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret instead of leading on: a redirect would have to keep it somewhere."""
        return self._show_once(request, request.new_secret)

    def rotate_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask how long both secrets sign, then make the new one and show it."""
        if not self.has_rotate_permission(request):
            raise PermissionDenied
        endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
        form = RotateSecretForm(request.POST or None)
        if form.is_bound and form.is_valid():
            try:
                new = webhook_endpoints.rotate(endpoint=endpoint, overlap=form.overlap, now=timezone.now())
            except EarlierSecretSigns as error:
                messages.error(request, str(error))
                return redirect(record_url(endpoint))
            self.log_change(request, endpoint, "rotate")
            return self._show_once(request, new)
        return form_page(self, request, record=endpoint, form=form, title=_("Rotate"), submit=_("Make the new secret"))

    def again_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask how far back, then send what failed once more."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
        form = SendAgainForm(request.POST or None)
        if form.is_bound and form.is_valid():
            now = timezone.now()
            try:
                number = webhook_endpoints.replay_failed(endpoint=endpoint, since=now - form.age, now=now)
            except WrongState as error:
                messages.error(request, str(error))
            else:
                self.log_change(request, endpoint, f"send again: {number}")
                sentence = ngettext(
                    "%(number)d delivery is sent again.", "%(number)d deliveries are sent again.", number
                )
                messages.success(request, sentence % {"number": number})
            return redirect(record_url(endpoint))
        return form_page(
            self, request, record=endpoint, form=form, title=_("Send what failed again"), submit=_("Send again")
        )

    @admin.action(location=ON_RECORD, description=gettext_lazy("Send a test"), permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse:
        """Queue a test and lead to its delivery, which says how it went."""
        endpoint = queryset.get()
        try:
            delivery = webhook_endpoints.send_test(endpoint=endpoint, now=timezone.now())
        except WrongState as error:
            messages.error(request, str(error))
            return redirect(record_url(endpoint))
        self.log_change(request, endpoint, "test")
        messages.success(request, _("The test leaves within seconds; load this page again to see how it went."))
        return redirect(record_url(delivery) if may_view(request.user, WebhookDelivery) else record_url(endpoint))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse:
        """Keep the news for later."""
        return self._move(
            request, queryset, webhook_endpoints.pause, _("Paused: what happens is kept and delivered later.")
        )

    @admin.action(location=ON_RECORD, description=gettext_lazy("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse:
        """Deliver again."""
        return self._move(request, queryset, webhook_endpoints.resume, _("Deliveries go on."))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse:
        """Deliver nothing any more."""

        def stop(**kwargs: Any) -> None:
            webhook_endpoints.disable(reason=WebhookEndpoint.Reason.STAFF, **kwargs)

        return self._move(request, queryset, stop, _("Disabled: nothing more is kept or delivered."))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Send what failed again"), permissions=["change"])
    def send_failed_again(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse:
        """Lead to the page that asks how far back."""
        return redirect("admin:customers_webhookendpoint_again", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Rotate the secret"), permissions=["rotate"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse:
        """Lead to the page that asks for the overlap."""
        return redirect("admin:customers_webhookendpoint_rotate", queryset.get().pk)

    def _move(
        self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint], act: Callable[..., None], sentence: str
    ) -> HttpResponse:
        endpoint = queryset.get()
        try:
            act(endpoint=endpoint, now=timezone.now())
        except WrongState as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, endpoint, sentence)
            messages.success(request, sentence)
        return redirect(record_url(endpoint))

    def _show_once(self, request: HttpRequest, new: NewSecret) -> HttpResponse:
        page = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": new.endpoint,
            "title": _("The new secret"),
            "subtitle": str(new.endpoint),
            "text": new.text,
        }
        request.current_app = self.admin_site.name
        response = TemplateResponse(request, "admin/customers/webhook_secret_shown.html", page)
        add_never_cache_headers(response)
        return response

"""Keys of the API: made, rotated and revoked. The whole key stands on one page, once."""

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
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import api_keys, confirming
from customers.admin_pages import form_page
from customers.admin_panels import record_url
from customers.api_key_forms import ApiKeyForm, RotateForm
from customers.api_keys import KeyNotLive, NewKey, TooManyLiveKeys
from customers.history_admin import PortalAdmin
from customers.models import ApiKey
from customers.models.api_key import Scope

ON_RECORD = [ActionLocation.CHANGE_FORM]


@admin.register(ApiKey)
class ApiKeyAdmin(PortalAdmin):
    """Who may add keys makes and rotates them; who may change them renames and revokes."""

    form = ApiKeyForm
    list_display = ["label", "public_id", "store", "till", "state", "created_at", "expires_at", "last_used_at"]
    list_filter = ["store"]
    list_select_related = ["store"]
    search_fields = ["label", "public_id"]
    actions = ["rotate", "revoke"]
    add_fieldsets = [
        (None, {"fields": ["label", "store", "till", "expires_at"]}),
        (gettext_lazy("Rights"), {"fields": ["scopes"]}),
    ]
    fieldsets = [
        (None, {"fields": ["label", "public_id", "state", "store", "till"]}),
        (gettext_lazy("Rights"), {"fields": ["may"]}),
        (gettext_lazy("Dates"), {"fields": ["created_at", "expires_at", "revoked_at", "last_used_at", "by"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        if obj is None:
            return []
        dates = ["created_at", "expires_at", "revoked_at", "last_used_at", "by"]
        return ["public_id", "state", "store", "till", "may", *dates]

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, **kwargs: Any) -> Any:
        """Only the label of a key that exists can be changed."""
        if obj is not None:
            kwargs["form"] = admin.ModelAdmin.form
            kwargs["fields"] = ["label"]
        return super().get_form(request, obj, **kwargs)

    @admin.display(description=gettext_lazy("state"))
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return _("revoked")
        return _("live") if key.is_live(timezone.now()) else _("expired")

    @admin.display(description=gettext_lazy("scopes"))
    def may(self, key: ApiKey) -> str:
        return "; ".join(str(Scope(scope).label) for scope in key.scopes)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Answers and bookings name their key: it is revoked instead."""
        return False

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def offers(self, action: str, obj: ApiKey) -> bool:
        return obj.is_live(timezone.now())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rotate_page)
        return [path("<int:pk>/rotate/", view, name="customers_apikey_rotate"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            obj.by = request.user
            request.new_key = api_keys.issue(key=obj)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A new key is worth a second look at who makes it; a key is revoked without any delay."""
        wants_new = object_id is None and self.has_add_permission(request)
        if wants_new and not confirming.confirmed_lately(request, now=timezone.now()):
            return confirming.ask(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key instead of leading on: a redirect would have to keep it somewhere."""
        return self._show_once(request, request.new_key)

    def rotate_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask how long the old key lives on, then make its successor and show it."""
        if not self.has_rotate_permission(request):
            raise PermissionDenied
        if not confirming.confirmed_lately(request, now=timezone.now()):
            return confirming.ask(request)
        key = get_object_or_404(ApiKey, pk=pk)
        form = RotateForm(request.POST or None)
        if form.is_bound and form.is_valid():
            try:
                new = api_keys.rotate(key=key, overlap=form.overlap, by=request.user, now=timezone.now())
            except (KeyNotLive, TooManyLiveKeys) as error:
                messages.error(request, str(error))
                return redirect(record_url(key))
            self.log_change(request, key, f"rotate: {new.key.public_id}")
            return self._show_once(request, new)
        return form_page(self, request, record=key, form=form, title=_("Rotate"), submit=_("Make the new key"))

    @admin.action(location=ON_RECORD, description=gettext_lazy("Rotate"), permissions=["rotate"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse:
        """Lead to the page that asks for the overlap."""
        return redirect("admin:customers_apikey_rotate", queryset.get().pk)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Revoke at once"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse:
        """End the key."""
        key = queryset.get()
        try:
            api_keys.revoke(key=key, now=timezone.now())
        except KeyNotLive as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, key, "revoke")
            messages.success(request, _("The key is revoked; its next call is refused."))
        return redirect(record_url(key))

    def _show_once(self, request: HttpRequest, new: NewKey) -> HttpResponse:
        page = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": new.key,
            "title": _("The new key"),
            "subtitle": str(new.key),
            "text": new.text,
        }
        request.current_app = self.admin_site.name
        response = TemplateResponse(request, "admin/customers/api_key_shown.html", page)
        add_never_cache_headers(response)
        return response

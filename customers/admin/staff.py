"""Staff: who may open the admin, and in which role. Nobody can give more than they have."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Field, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers import confirming, doors
from customers.admin_forms import StaffChangeForm, StaffCreationForm
from customers.history_admin import PortalAdmin
from customers.models import User


def grantable_groups(by: User) -> QuerySet[Group]:
    """Return the groups whose every permission a person has, in a stable order."""
    groups = Group.objects.order_by("name")
    if by.is_superuser:
        return groups
    return groups.exclude(permissions__in=Permission.objects.exclude(pk__in=_held(by)))


def outranks(user: User, *, by: User) -> bool:
    """Return whether a person may do something that `by` may not."""
    if by.is_superuser:
        return False
    return user.is_superuser or not user.get_all_permissions() <= by.get_all_permissions()


def _held(user: User) -> QuerySet[Permission]:
    return Permission.objects.filter(group__user=user) | Permission.objects.filter(user=user)


def confirmed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open a view of a ModelAdmin only to somebody who has lately shown who they are."""

    @wraps(view)
    def run(model_admin: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not confirming.confirmed_lately(request, now=timezone.now()):
            return confirming.ask(request)
        return view(model_admin, request, *args, **kwargs)

    return run


class ConfirmedMixin(PortalAdmin):
    """Records that only somebody may change who has lately shown who they are."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        may = self.has_change_permission(request) if object_id else self.has_add_permission(request)
        if may and not confirming.confirmed_lately(request, now=timezone.now()):
            return confirming.ask(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    delete_view = confirmed(PortalAdmin.delete_view)


@admin.register(User)
class StaffAdmin(ConfirmedMixin, UserAdmin):
    """Staff, and for the owner everybody with a log-in. Whoever leaves is switched off, never deleted."""

    form = StaffChangeForm
    add_form = StaffCreationForm
    add_form_template = None
    list_display = ["email", "name", "store", "is_staff", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active", "groups"]
    list_select_related = ["store"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    filter_horizontal = ["user_permissions"]
    readonly_fields = ["last_login", "joined_at"]
    actions = ["reset_second_factor"]
    add_fieldsets = [
        (
            None,
            {
                "fields": ["email", "name", "language", "store", "groups"],
                "description": _("A new member of staff. They set up a second factor at their first log-in."),
            },
        ),
        (_("Password"), {"fields": ["usable_password", "password1", "password2"]}),
    ]
    person_fieldset = (None, {"fields": ["email", "password", "name", "language", "store"]})
    dates_fieldset = (_("Dates"), {"fields": ["last_login", "joined_at"]})

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Managers look after staff; customers' log-ins are the owner's."""
        users = super().get_queryset(request)
        return users if request.user.is_superuser else users.filter(is_staff=True)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        rights = ["is_active", "is_staff", "groups"]
        if request.user.is_superuser:
            rights += ["is_superuser", "user_permissions"]
        return [self.person_fieldset, (_("Rights"), {"fields": rights}), self.dates_fieldset]

    def formfield_for_manytomany(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = grantable_groups(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Whoever is added here is staff; customers get their log-in by themselves."""
        if not change:
            obj.is_staff = True
        form.rights_before = doors.rights_of(User.objects.get(pk=obj.pk)) if change else {}
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Roles are saved last; what is different then goes into the audit trail."""
        super().save_related(request, form, formsets, change)
        user = form.instance
        doors.rights_changed(
            what=f"user:{user.pk}", before=form.rights_before, after=doors.rights_of(user), by=request.user,
            now=timezone.now(),
        )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not outranks(obj, by=request.user))

    user_change_password = confirmed(UserAdmin.user_change_password)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    @admin.action(
        location=[ActionLocation.CHANGE_FORM],
        description=_("Reset the second factor"),
        permissions=["reset"],
    )
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Take away passkeys, codes and apps of somebody who lost them; they set up new ones at the next log-in."""
        user = queryset.get()
        Authenticator.objects.filter(user=user).delete()
        doors.factor_changed(user=user, what="reset", kind="all", by=request.user, now=timezone.now())
        sentence = gettext("%(user)s sets up a new second factor at the next log-in.") % {"user": user}
        self.log_change(request, user, sentence)
        messages.success(request, sentence)


class RoleAdmin(ConfirmedMixin, GroupAdmin):
    """Roles; `manage.py set_up_roles` brings the four of the portal back to what they should be."""

    ordering = ["name"]
    list_select_related = False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write into the audit trail which permissions came and went."""
        before = doors.permissions_of(form.instance)
        super().save_related(request, form, formsets, change)
        doors.role_changed(role=form.instance, before=before, by=request.user, now=timezone.now())


admin.site.unregister(Group)
admin.site.register(Group, RoleAdmin)

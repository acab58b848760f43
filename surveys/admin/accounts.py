"""How fast survey mails may leave."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.history_admin import PortalAdmin
from surveys import pace
from surveys.admin.gateways import account_name
from surveys.models import MailAccount


@admin.register(MailAccount)
class MailAccountAdmin(PortalAdmin):
    """The account of the surveys' mailer, and of each gateway for text messages; without a row nothing holds it back."""

    list_display = ["whose", "most_per_second", "at_the_moment", "throttled_at"]
    ordering = ["pk"]
    fields = ["most_per_second", "at_the_moment", "throttled_at"]
    readonly_fields = ["at_the_moment", "throttled_at"]

    @admin.display(description=gettext_lazy("mailer"), ordering="mailer")
    def whose(self, account: MailAccount) -> str:
        return account_name(account)

    @admin.display(description=gettext_lazy("mails per second at the moment"))
    def at_the_moment(self, account: MailAccount) -> str:
        pace_now = pace.of(account, now=timezone.now())
        return _("as fast as it goes") if pace_now is None else number_format(pace_now, decimal_pos=1)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not MailAccount.objects.filter(mailer=pace.MAILER).exists()

    def has_delete_permission(self, request: HttpRequest, obj: MailAccount | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: MailAccount, form: Any, change: bool) -> None:
        if not change:
            obj.mailer = pace.MAILER
        obj.save(update_fields=["most_per_second"] if change else None)

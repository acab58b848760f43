"""Rules for countries, in the admin."""

from django.contrib import admin

from customers.history_admin import PortalAdmin
from surveys.admin.questionnaires import SHORT_TEXTS
from surveys.models import MailPolicy


@admin.register(MailPolicy)
class MailPolicyAdmin(PortalAdmin):
    """What the mails to one country say besides; mails that wait follow a change at once."""

    formfield_overrides = SHORT_TEXTS
    list_display = ["country", "subject_prefix", "basis"]
    ordering = ["country"]
    fields = ["country", "subject_prefix", "footer_en", "footer_zh", "basis", "transfer"]

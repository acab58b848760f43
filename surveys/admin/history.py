"""What happened, read only: messages (with what people decide about uncertain ones), invitations, events, answers."""

from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.columns import OfCustomerMixin
from customers.admin_panels import record_url
from customers.history_admin import HistoryAdmin, HistoryInline, PortalAdmin
from customers.identifiers import normalise_phone
from surveys import channels, suppression, uncertain
from surveys.models import Answer, DeliveryEvent, Invitation, Message, Response, Run, Suppression, Survey

ON_RECORD = [ActionLocation.CHANGE_FORM]
NEWEST_RUNS = 20


class NewestRunsFilter(admin.RelatedFieldListFilter):
    """The newest runs, in one query however many there are."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[int, str]]:
        return [(run.pk, str(run)) for run in Run.objects.select_related("campaign").order_by("-pk")[:NEWEST_RUNS]]


class ChannelsFilter(admin.AllValuesFieldListFilter):
    """Channels by their words."""

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        for choice in super().choices(changelist):
            yield choice | {"display": channels.ALL.get(choice["display"], choice["display"])}


class LanguagesFilter(admin.AllValuesFieldListFilter):
    """Languages by their names."""

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        for choice in super().choices(changelist):
            yield choice | {"display": dict(settings.LANGUAGES).get(choice["display"], choice["display"])}


class LanguageMixin:
    """A column with the language by its name."""

    @admin.display(description=gettext_lazy("language"))
    def language_word(self, row: Invitation | Response) -> str:
        return str(dict(settings.LANGUAGES).get(row.language, row.language))


class EventInline(HistoryInline):
    """What was reported or decided about a message."""

    model = DeliveryEvent
    fields = ["esp", "kind", "detail", "occurred_at"]
    readonly_fields = fields


@admin.register(Message)
class MessageAdmin(PortalAdmin):
    """The sending ledger. An uncertain message may or may not have left; a person decides, and that is kept."""

    class Media:
        css = {"all": ["css/surveys-admin.css"]}

    inlines = [EventInline]
    list_display = ["short_id", "member", "state_word", "tries", "error", "finished_at", "run"]
    list_filter = ["state", "kind", ("run", NewestRunsFilter)]
    list_select_related = ["run__campaign", "invitation__customer"]
    search_fields = ["=id", "=invitation__customer__member_number"]
    sortable_by = ()
    ordering = ["pk"]
    actions = ["write_off", "send_again"]
    fields = [
        "id", "run", "invitation", "kind", "number", "state", "not_before", "tries", "error", "provider_id",
        "created_at", "finished_at",
    ]  # fmt: skip

    @admin.display(description=gettext_lazy("message"))
    def short_id(self, message: Message) -> str:
        # Keys begin with the time, so those of a run differ at their end.
        return f"…{str(message.pk)[-8:]}"

    @admin.display(description=gettext_lazy("customer"))
    def member(self, message: Message) -> str:
        return message.invitation.customer.member_number

    @admin.display(description=gettext_lazy("state"))
    def state_word(self, message: Message) -> SafeString:
        name = "uncertain" if message.state == Message.State.UNCERTAIN else ""
        return format_html('<span class="{}">{}</span>', name, message.get_state_display())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.change_run")

    def offers(self, action: str, obj: Message) -> bool:
        return obj.state == Message.State.UNCERTAIN

    @admin.action(location=ON_RECORD, description=gettext_lazy("Write off"), permissions=["decide"])
    def write_off(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse:
        """Leave it at that."""
        return self._decide(request, queryset, uncertain.write_off)

    @admin.action(
        location=ON_RECORD,
        description=gettext_lazy("Send again, knowing it may be the second"),
        permissions=["decide"],
    )
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse:
        """Queue it once more."""
        return self._decide(request, queryset, uncertain.send_again)

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[Message], decide: Callable[..., Message]
    ) -> HttpResponse:
        message = queryset.select_related("run").get()
        try:
            message = decide(message=message, by=request.user, now=timezone.now())
        except (uncertain.MessageNotUncertain, uncertain.RunOver) as error:
            messages.error(request, str(error))
        else:
            sentence = _("The message is %(state)s.") % {"state": message.get_state_display()}
            self.log_change(request, message, sentence)
            messages.success(request, sentence)
        return redirect(record_url(message))


@admin.register(Invitation)
class InvitationAdmin(LanguageMixin, OfCustomerMixin, HistoryAdmin):
    """Everybody considered, also those skipped: why did somebody not get it?"""

    list_display = ["member", "run", "skip_word", "language_word", "email", "created_at"]
    list_display_links = ["run"]
    list_filter = ["skip", ("run", NewestRunsFilter)]
    list_select_related = ["customer", "run__campaign"]
    ordering = ["pk"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "run__campaign__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description=gettext_lazy("skipped"))
    def skip_word(self, invitation: Invitation) -> str:
        return invitation.get_skip_display() if invitation.skip else _("no, invited")


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(HistoryAdmin):
    """What providers reported and staff decided."""

    list_display = ["id", "kind", "esp", "message", "occurred_at"]
    list_filter = ["esp", "kind"]
    list_select_related = ["message"]
    search_fields = ["=message__id"]


class SuppressionForm(forms.ModelForm):
    """An address to suppress by hand; only its hash is kept."""

    email = forms.CharField(label=gettext_lazy("E-mail address or phone number"), max_length=254)

    class Meta:
        model = Suppression
        fields = ["scope"]

    def clean_email(self) -> str:
        address = self.cleaned_data["email"]
        if "@" in address:
            validate_email(address)
        elif not (address := normalise_phone(address)):
            raise forms.ValidationError(_("Write an e-mail address, or a phone number with its country."))
        return address


@admin.register(Suppression)
class SuppressionAdmin(HistoryAdmin):
    """Mailboxes that get no more mail; rows are added, never changed."""

    form = SuppressionForm
    list_display = ["hash_begin", "scope", "reason", "occurred_at", "source"]
    list_filter = ["scope", "reason"]
    search_fields = ["email_hash"]
    search_help_text = gettext_lazy("A whole e-mail address or phone number; it is compared by its hash.")

    @admin.display(description=gettext_lazy("mailbox"))
    def hash_begin(self, row: Suppression) -> str:
        return f"{row.email_hash[:8]}…"

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("surveys.add_suppression")

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> list[str]:
        return ["scope", "reason", "source", "occurred_at"] if obj else ["email", "scope"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term.strip():
            return queryset, False
        address = search_term if "@" in search_term else normalise_phone(search_term)
        return queryset.filter(email_hash=suppression.email_hash(address)), False

    def save_model(self, request: HttpRequest, obj: Suppression, form: SuppressionForm, change: bool) -> None:
        row = suppression.suppress(
            email=form.cleaned_data["email"],
            scope=obj.scope,
            reason=Suppression.Reason.STAFF,
            source=f"staff:{request.user.pk}",
            occurred_at=timezone.now(),
        )
        obj.pk = row.pk


class AnswerInline(HistoryInline):
    """The answers of one response."""

    model = Answer
    fields = ["question", "number", "chosen", "text"]
    readonly_fields = fields
    ordering = ["question__position"]


@admin.register(Response)
class ResponseAdmin(LanguageMixin, OfCustomerMixin, HistoryAdmin):
    """Who answered what; of a confidential survey nobody learns that, so those are not here."""

    inlines = [AnswerInline]
    list_display = ["member", "version", "channel_word", "language_word", "completed_at"]
    list_display_links = ["version"]
    list_filter = ["version__survey", ("channel", ChannelsFilter), ("language", LanguagesFilter), "completed_at"]
    fields = [
        "version", "invitation", "customer", "campaign", "run", "channel_word", "mode", "language_word", "is_test",
        "started_at", "completed_at", "declined_at",
    ]  # fmt: skip
    readonly_fields = ["channel_word", "language_word"]
    list_select_related = ["customer", "version__survey"]
    ordering = ["-completed_at", "-pk"]

    @admin.display(description=gettext_lazy("channel"))
    def channel_word(self, row: Response) -> str:
        return str(channels.ALL.get(row.channel, row.channel))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Response]:
        return super().get_queryset(request).filter(version__survey__anonymity=Survey.Anonymity.IDENTIFIED)

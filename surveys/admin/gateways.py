"""Gateways for text messages, and the test message to oneself."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from customers.admin_pages import form_page
from customers.admin_panels import record_url
from customers.history_admin import PortalAdmin
from customers.identifiers import normalise_phone
from surveys import gateways, links, messenger, pace, planning, short_texts, trials, versions
from surveys.models import Campaign, Gateway, MailAccount
from surveys.outcomes import Verdict


class GatewayForm(forms.ModelForm):
    """A gateway; the account's address is typed, never shown again."""

    url = forms.CharField(
        required=False, max_length=500, label=gettext_lazy("Address of the account"),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Such as twilio://SID:TOKEN@+49151…, elks://USER:PASSWORD@SHOP or sinch://PLAN:TOKEN@+49151…?region=eu. It is kept sealed; empty leaves it as it is."),
    )  # fmt: skip

    class Meta:
        model = Gateway
        fields = ["name", "is_active"]

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        if not url and not self.instance.service:
            raise forms.ValidationError(_("A gateway needs an account."))
        if url:
            try:
                gateways.read(url)
            except gateways.BadGateway as error:
                raise forms.ValidationError(str(error)) from error
        return url


@admin.register(Gateway)
class GatewayAdmin(PortalAdmin):
    """Accounts through which text messages leave; how fast, say the mail accounts."""

    form = GatewayForm
    list_display = ["name", "service_name", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    fields = ["name", "url", "is_active"]

    @admin.display(description=gettext_lazy("service"), ordering="service")
    def service_name(self, gateway: Gateway) -> str:
        return gateways.SERVICES[gateway.service].name

    def has_delete_permission(self, request: HttpRequest, obj: Gateway | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Gateway, form: GatewayForm, change: bool) -> None:
        if url := form.cleaned_data["url"]:
            gateways.aim(gateway=obj, url=url)
        super().save_model(request, obj, form, change)
        # So that staff can set its pace beside that of the mails.
        MailAccount.objects.get_or_create(mailer=pace.mailer_of(obj.pk))


class TrialForm(forms.Form):
    """To which telephone a test goes; the number is kept nowhere."""

    number = forms.CharField(
        label=gettext_lazy("Your mobile number"), max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
        help_text=gettext_lazy("The message leaves at once, costs what your provider asks, and the number is not kept."),
    )  # fmt: skip

    def clean_number(self) -> str:
        number = planning.number(normalise_phone(self.cleaned_data["number"]))
        if not number:
            raise forms.ValidationError(_("Write a mobile number, with its country, such as +49 1512 3456789."))
        return number


class TrialMessages:
    """Extend the admin of campaigns by the page that sends a text message to oneself."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.trial_view)
        return [path("<int:pk>/trial/", view, name="surveys_campaign_trial"), *super().get_urls()]

    def trial_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a number and send it the campaign's message, whose link leads to a page where nothing counts."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        campaign = get_object_or_404(Campaign.objects.select_related("survey", "gateway"), pk=pk, gateway__isnull=False)
        form = TrialForm(request.POST or None)
        if form.is_bound and form.is_valid():
            _send(request, campaign, form.cleaned_data["number"])
            return redirect(record_url(campaign))
        return form_page(self, request, record=campaign, form=form, title=_("Test message to myself"), submit=_("Send"))


def _send(request: HttpRequest, campaign: Campaign, number: str) -> None:
    version, language = versions.latest(survey=campaign.survey), get_language() or "en"
    if version is None:
        messages.error(request, _("Publish the survey before scheduling a campaign with it."))
        return
    response = trials.begin(
        version=version, by=request.user, language=language, now=timezone.now(), campaign=campaign
    )  # fmt: skip
    text = short_texts.test_text(campaign=campaign, language=language, url=links.test_url(response.pk))
    outcome = messenger.Messenger(campaign.gateway).send_one(number=number, text=text)
    if outcome.verdict == Verdict.ACCEPTED:
        messages.success(request, _("The test is on its way to your telephone."))
    else:
        messages.error(request, _("The provider did not take the test: %(error)s") % {"error": outcome.error})


def account_name(account: MailAccount) -> str:
    """Return whose pace an account holds: that of the mails, or of a gateway by its name."""
    if account.mailer == pace.MAILER:
        return _("e-mail")
    gateway = Gateway.objects.filter(pk=account.mailer.partition(":")[2]).first()
    return str(gateway or account.mailer)

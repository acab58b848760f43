"""Chat groups with their robots, and the posts to them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin_pages import form_page
from customers.admin_panels import record_url
from customers.history_admin import HistoryAdmin, PortalAdmin
from rewards.forms import OnceForm
from surveys import notifier
from surveys.models import ChatGroup, ChatPost, SurveyLink

ON_RECORD = [ActionLocation.CHANGE_FORM]


class ChatGroupForm(forms.ModelForm):
    """A group; the robot's address is typed, never shown again."""

    url = forms.CharField(
        required=False, max_length=400, label=gettext_lazy("Address of the robot"),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Such as wecombot://KEY, feishu://TOKEN, dingtalk://TOKEN or tgram://TOKEN/CHAT. It is kept sealed; empty leaves it as it is."),
    )  # fmt: skip

    class Meta:
        model = ChatGroup
        fields = ["name", "language", "rest_days", "is_active"]

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        if not url and not self.instance.service:
            raise forms.ValidationError(_("A group needs a robot."))
        if url:
            try:
                notifier.read(url)
            except notifier.BadRobot as error:
                raise forms.ValidationError(str(error)) from error
        return url


@admin.register(ChatGroup)
class ChatGroupAdmin(PortalAdmin):
    """Groups in which survey links are posted."""

    form = ChatGroupForm
    list_display = ["name", "service", "language", "rest_days", "is_active"]
    list_filter = ["service", "is_active"]
    search_fields = ["name"]
    fields = ["name", "url", "language", "rest_days", "is_active"]

    def has_delete_permission(self, request: HttpRequest, obj: ChatGroup | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ChatGroup, form: ChatGroupForm, change: bool) -> None:
        if url := form.cleaned_data["url"]:
            notifier.aim(group=obj, url=url)
        super().save_model(request, obj, form, change)


@admin.register(ChatPost)
class ChatPostAdmin(HistoryAdmin):
    """What was posted where; of what nobody confirmed a person decides."""

    list_display = ["group", "link", "state", "queued_at", "finished_at", "by"]
    list_display_links = ["group", "link"]
    list_filter = ["state", "group"]
    list_select_related = ["group", "link__campaign", "by"]
    actions = ["send_again", "leave"]
    fields = ["group", "link", "text", "state", "queued_at", "claimed_at", "finished_at", "by"]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.add_chatpost")

    def offers(self, action: str, obj: ChatPost) -> bool:
        return obj.state == ChatPost.State.UNCONFIRMED

    @admin.action(
        location=ON_RECORD, description=gettext_lazy("Send again, knowing it may be the second"), permissions=["decide"]
    )
    def send_again(self, request: HttpRequest, queryset: QuerySet[ChatPost]) -> HttpResponse:
        """Queue it once more."""
        return self._decide(request, queryset.get(), notifier.send_again)

    @admin.action(location=ON_RECORD, description=gettext_lazy("Leave it at that"), permissions=["decide"])
    def leave(self, request: HttpRequest, queryset: QuerySet[ChatPost]) -> HttpResponse:
        """Send nothing more."""
        return self._decide(request, queryset.get(), notifier.leave)

    def _decide(self, request: HttpRequest, row: ChatPost, decide: Callable[..., ChatPost]) -> HttpResponse:
        try:
            row = decide(post=row)
        except notifier.PostNotOpen as error:
            messages.error(request, str(error))
        else:
            sentence = _("The post is %(state)s.") % {"state": row.get_state_display()}
            self.log_change(request, row, sentence)
            messages.success(request, sentence)
        return redirect(record_url(row))


class PostForm(OnceForm):
    """Where a link is posted, and with which words."""

    group = forms.ModelChoiceField(label=gettext_lazy("Chat group"), queryset=ChatGroup.objects.none())
    text = forms.CharField(
        label=gettext_lazy("Text"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The link follows on a line of its own. Empty asks in the language of the group."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = ChatGroup.objects.filter(is_active=True).order_by("name")


class PostsOfLink:
    """Extend the admin of links by the page that posts one."""

    def has_post_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("surveys.add_chatpost")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.post_view)
        return [path("<int:pk>/post/", view, name="surveys_surveylink_post"), *super().get_urls()]

    @admin.action(location=ON_RECORD, description=gettext_lazy("Post to a chat group"), permissions=["post"])
    def post_link(self, request: HttpRequest, queryset: QuerySet[SurveyLink]) -> HttpResponse:
        """Lead to the page that asks where."""
        return redirect("admin:surveys_surveylink_post", queryset.get().pk)

    def post_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue the link for a group; the same form sent twice posts once."""
        if not self.has_post_permission(request):
            raise PermissionDenied
        link = get_object_or_404(SurveyLink.objects.select_related("campaign__survey"), pk=pk)
        form = PostForm(request.POST or None)
        if form.is_bound and form.is_valid():
            group = form.cleaned_data["group"]
            with translation.override(group.language):
                text = form.cleaned_data["text"] or _("How was it? Tell us in less than a minute:")
            try:
                notifier.post(
                    link=link, group=group, text=text, key=form.cleaned_data["key"], by=request.user, now=timezone.now()
                )
            except notifier.GroupRests as error:
                form.add_error("group", str(error))
            else:
                sentence = _("The link leaves for “%(group)s” within a minute.") % {"group": group}
                self.log_change(request, link, sentence)
                messages.success(request, sentence)
                return redirect(record_url(link))
        return form_page(self, request, record=link, form=form, title=_("Post to a chat group"), submit=_("Post"))

"""Proofs of the books: the results, and the button that proves them now."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from customers.admin_panels import Fact, Panel, RecordMixin, list_url, record_url
from customers.history_admin import HistoryAdmin
from customers.templatetags.loyalty import points
from rewards import proof, tasks
from rewards.models import BookProof, PointTransaction
from rewards.models.points import Account

AT_ONCE = 20_000  # transactions; more than this is the background task's


@admin.register(BookProof)
class BookProofAdmin(RecordMixin, HistoryAdmin):
    """What each proof found; manager and auditor may prove again whenever they like."""

    change_list_template = "admin/rewards/proofs.html"
    list_display = ["proven_at", "is_balanced", "customers", "transactions", "fault_count"]
    list_filter = ["is_balanced"]
    list_select_related = False
    ordering = ["-proven_at", "-pk"]
    fields = ["proven_at", "digest"]

    @admin.display(description=gettext_lazy("faults"))
    def fault_count(self, found: BookProof) -> int:
        return len(found.faults)

    def facts(self, request: HttpRequest, obj: BookProof) -> list[Fact]:
        return [
            Fact(label=_("result"), value=_("The books balance") if obj.is_balanced else _("The books do not balance")),
            Fact(label=_("customers"), value=points(obj.customers)),
            Fact(label=_("transactions"), value=points(obj.transactions)),
        ]

    def panels(self, request: HttpRequest, obj: BookProof) -> list[Panel]:
        labels = dict(Account.choices)
        trial = Panel(
            title=_("Trial balance"),
            columns=[_("account"), _("points")],
            numeric=frozenset({1}),
            rows=[
                *([labels.get(name, name), points(number)] for name, number in sorted(obj.trial_balance.items())),
                [_("Sum"), points(sum(obj.trial_balance.values()))],
            ],
            empty="",
        )
        faults = Panel(
            title=_("Faults"),
            columns=[_("what does not fit")],
            rows=[[sentence] for sentence in obj.faults],
            empty=_("None: every row fits."),
        )
        return [faults, trial]

    def has_prove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.add_bookproof")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {"may_prove": self.has_prove_permission(request)} | (extra_context or {})
        return super().changelist_view(request, context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.prove_view)
        return [path("prove/", view, name="rewards_bookproof_prove"), *super().get_urls()]

    @method_decorator(require_POST)
    def prove_view(self, request: HttpRequest) -> HttpResponse:
        """Prove at once when that is a matter of seconds, else in the background."""
        if not self.has_prove_permission(request):
            raise PermissionDenied
        newest = PointTransaction.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if newest <= AT_ONCE:
            found = proof.record(proof=proof.prove())
            say = messages.success if found.is_balanced else messages.error
            say(request, _("The books balance") if found.is_balanced else _("The books do not balance"))
            return redirect(record_url(found))
        try:
            tasks.prove_books.delay()
        except OperationalError:
            messages.error(request, _("The background worker cannot be reached. Please try again later."))
        else:
            messages.success(
                request, _("The books are being proven in the background; the result appears in this list.")
            )
        return redirect(list_url(BookProof))

"""The page that brings a customer's expired points back."""

from django.contrib import messages
from django.contrib.admin.options import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.admin_pages import form_page
from customers.admin_panels import record_url
from customers.models import Customer
from rewards import adjustments, ledger, staff_limits
from rewards.adjustment_forms import BringBackForm
from rewards.admin.adjustments import posted_sentence

REFUSALS = (
    adjustments.OwnCard, ledger.ReversalTooLarge, ledger.SourceConflict, ledger.TooLateToReinstate, staff_limits.AboveLimit
)  # fmt: skip


def bring_back_page(model_admin: ModelAdmin, request: HttpRequest, customer: Customer) -> HttpResponse:
    """Bring back what one expiry took, for 30 days; the same form sent twice does it once."""
    now = timezone.now()
    pressed = request.method == "POST"
    expiries = adjustments.expired_lately(customer=customer, now=now, with_used=pressed)
    form = BringBackForm(request.POST if pressed else None, expiries=expiries)
    if form.is_bound and form.is_valid():
        try:
            posted = adjustments.bring_back(by=request.user, now=now, **form.cleaned_data)
        except REFUSALS as error:
            form.add_error(None, str(error))
        else:
            sentence = posted_sentence(posted)
            model_admin.log_change(request, customer, sentence)
            messages.success(request, sentence)
            return redirect(record_url(customer))
    return form_page(
        model_admin, request, record=customer, form=form, title=_("Bring back expired points"), submit=_("Bring back"),
        template="admin/rewards/adjust_points.html", left=staff_limits.left_for(by=request.user, now=now),
    )  # fmt: skip

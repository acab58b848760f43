"""What the shop may do with a customer's data: choose it, look it up, take it along, end it."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from customers import audit, consents, erasure, exports, mailed_codes, retention, tasks
from customers import privacy as rules
from customers.access import customer_page
from customers.models import AuditEvent, Customer, DataExport, MailedCode
from customers.privacy_forms import ConfirmCodeForm, PrivacyForm, wording_of
from customers.proof_refusals import ProofRefused

CONFIRMED = dt.timedelta(minutes=10)
SESSION = "privacy_confirmed_at"
NEWEST = 100
_PAGES = ["GET", "HEAD", "POST"]


@require_http_methods(_PAGES)
@customer_page
def choices(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Let the customer say what the shop may do, channel by channel; every change is a row of history."""
    granted = {key: word.is_granted for key, word in consents.latest(customer=customer).items()}
    form = PrivacyForm(request.POST if request.method == "POST" else None, customer=customer, granted=granted)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        for channel, purpose, is_yes in form.words():
            say = consents.grant if is_yes else consents.withdraw
            say(
                customer=customer, channel=channel, purpose=purpose, wording=wording_of(channel, purpose),
                source="portal:privacy", by=request.user, now=now,
            )  # fmt: skip
        if "is_personalised" in form.changed_data:
            Customer.objects.filter(pk=customer.pk).update(is_personalised=form.cleaned_data["is_personalised"])
            audit.note(
                action=AuditEvent.Action.PREFERENCES, place=AuditEvent.Place.PORTAL, customer=customer, by=request.user,
                now=now,
            )  # fmt: skip
        messages.success(request, _("Your choice is saved."))
        return redirect("privacy")
    context = {"form": form, "wish": erasure.waiting(customer=customer), "kept": retention.table()}
    return render(request, "customers/privacy.html", context)


@require_GET
@customer_page
def history(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show what the customer has agreed to over time, and when the shop looked at their data."""
    words = customer.consents.order_by("-occurred_at", "-pk")[:NEWEST]
    looks = audit.looks_at(customer=customer)[:NEWEST]
    return render(request, "customers/privacy_history.html", {"words": words, "looks": looks})


@sensitive_post_parameters("code")
@require_http_methods(_PAGES)
@customer_page
def confirm(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Mail a code and ask for it before what an open session alone must not do."""
    going_to = _going_to(request)
    now, purpose = timezone.now(), MailedCode.Purpose.PRIVACY
    is_answer = request.method == "POST" and "code" in request.POST
    form = ConfirmCodeForm(request.POST if is_answer else None)
    is_sent = is_answer
    if request.method == "POST" and not is_answer:
        try:
            mailed_codes.send(customer=customer, now=now, purpose=purpose)
            is_sent = True
        except ProofRefused as error:
            messages.error(request, str(error))
    elif is_answer and form.is_valid():
        try:
            mailed_codes.check(customer=customer, code=form.cleaned_data["code"], now=now, purpose=purpose)
        except ProofRefused as error:
            form.add_error("code", str(error))
        else:
            request.session[SESSION] = now.timestamp()
            return redirect(going_to)
    context = {"form": form, "is_sent": is_sent, "going_to": going_to}
    return render(request, "customers/privacy_confirm.html", context)


@require_http_methods(_PAGES)
@customer_page
def export(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Make a file with everything, and list those that can be fetched."""
    now = timezone.now()
    if request.method == "POST":
        if not _is_confirmed(request, now):
            return _ask_for_code(reverse("privacy_export"))
        try:
            row = exports.ask(customer=customer, now=now, place=AuditEvent.Place.PORTAL)
        except exports.TooManyExports as error:
            messages.error(request, str(error))
        else:
            make_or_ring(row, now)
        return redirect("privacy_export")
    rows = customer.data_exports.filter(expires_at__gt=now).exclude(state=DataExport.State.GONE).order_by("-pk")
    return render(request, "customers/privacy_export.html", {"exports": rows})


def make_or_ring(row: DataExport, now: dt.datetime) -> None:
    """Make a small export at once; a large one is a worker's."""
    if exports.is_small(customer=row.customer):
        exports.make(export=row, now=now)
    else:
        tasks.make_exports.delay_on_commit()


@require_GET
@customer_page
def download(request: HttpRequest, customer: Customer, token: str) -> HttpResponse:
    """Hand a file to the customer it is about, who has confirmed lately, until its end."""
    now = timezone.now()
    ready = customer.data_exports.filter(state=DataExport.State.READY, expires_at__gt=now)
    row = get_object_or_404(ready, token=token)
    if not _is_confirmed(request, now):
        return _ask_for_code(request.path)
    return hand_out(row, place=AuditEvent.Place.PORTAL, by=request.user, now=now)


def hand_out(row: DataExport, *, place: AuditEvent.Place, by: Any, now: dt.datetime) -> FileResponse:
    """Return the file of an export as a download, and write down who fetched it."""
    try:
        file = row.path.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    audit.note(
        action=AuditEvent.Action.DOWNLOADED, place=place, customer=row.customer, by=by, now=now,
        reference=f"export:{row.pk}",
    )  # fmt: skip
    return FileResponse(file, as_attachment=True, filename=f"data-{row.asked_at:%Y-%m-%d}.zip")


@require_http_methods(_PAGES)
@customer_page
def erase(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Say what an erasure means, note the wish once it is confirmed, and let it be called off for seven days."""
    now = timezone.now()
    if request.method == "POST" and "keep" in request.POST:
        if erasure.call_off(customer=customer, now=now):
            messages.success(request, _("Nothing will be erased. Good that you stay."))
        return redirect("privacy_erase")
    if request.method == "POST":
        if not _is_confirmed(request, now):
            return _ask_for_code(reverse("privacy_erase"))
        erasure.ask(customer=customer, now=now)
        request.session.pop(SESSION, None)
        return redirect("privacy_erase")
    context = {
        "wish": erasure.waiting(customer=customer), "is_confirmed": _is_confirmed(request, now),
        "lost": rules.would_be_lost(customer=customer, now=now), "days": erasure.GRACE.days,
    }  # fmt: skip
    return render(request, "customers/privacy_erase.html", context)


def _is_confirmed(request: HttpRequest, now: dt.datetime) -> bool:
    return 0 <= now.timestamp() - request.session.get(SESSION, 0) < CONFIRMED.total_seconds()


def _ask_for_code(going_to: str) -> HttpResponse:
    return redirect(reverse("privacy_confirm", query={"next": going_to}))


def _going_to(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/privacy/")
    return wanted if is_ours else reverse("privacy")

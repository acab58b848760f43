"""The first pages of the till: where one works, who the customer is, and taking somebody in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from customers import audit, finding
from customers.enrolment import AlreadyEnrolled
from customers.enrolment_forms import TillEnrolmentForm
from customers.finding import Found, MatchedBy, SearchStopped
from rewards import till_actions
from rewards.till import proofs
from rewards.till.access import choose_station, staff_page, station_of, till_page, token_of
from rewards.till.forms import FindForm, KeyForm, StationForm
from rewards.till_actions import KeyReused, Station


@staff_page
def station(request: HttpRequest) -> HttpResponse:
    """Ask once per session in which store and at which till one works."""
    here = station_of(request)
    known = {"store": here.store.pk, "till": here.till} if here else {"store": request.user.store_id, "till": "1"}
    form = StationForm(request.POST if request.method == "POST" else None, initial=known)
    if request.method == "POST" and form.is_valid():
        choose_station(request, store=form.cleaned_data["store"], till=form.cleaned_data["till"])
        return redirect("till")
    return render(request, "till/station.html", {"form": form, "station": here, "section": "station"})


@till_page
def find(request: HttpRequest, station: Station) -> HttpResponse:
    """Find the customer, and go on to the sale when only one is meant. What was typed never stands in an address."""
    form = FindForm(request.POST if request.method == "POST" else None)
    found: list[Found] = []
    stopped, term = "", ""
    if request.method == "POST" and form.is_valid():
        term = form.cleaned_data["q"]
        try:
            found = finding.find(term=term, by=request.user)
        except SearchStopped as error:
            stopped = str(error)
        audit.note_looks(
            action=audit.Action.FOUND, place=audit.Place.TILL, customer_ids=[one.customer.pk for one in found],
            by=request.user, store=station.store, now=timezone.now(),
        )  # fmt: skip
        if len(found) == 1 and found[0].matched_by != MatchedBy.NAME:
            return redirect(_sale_address(request, found[0], term))
    people = [{"found": one, "token": token_of(one.customer)} for one in found]
    context = {"form": form, "people": people, "term": term, "stopped": stopped, "station": station, "section": "sale"}
    return render(request, "till/find.html", context)


@till_page
def enrol(request: HttpRequest, station: Station) -> HttpResponse:
    """Take somebody in and go on to their first sale; who is known already is offered instead."""
    posted = request.POST if request.method == "POST" else None
    form, key_form = TillEnrolmentForm(posted), KeyForm(posted)
    known = None
    if posted is not None and form.is_valid() and key_form.is_valid():
        try:
            action = till_actions.enrol(
                station=station, key=key_form.cleaned_data["key"], now=timezone.now(), **form.enrolment()
            )
        except AlreadyEnrolled as error:
            form.add_error(error.field, str(error))
            if (
                error.customer is not None
                and error.customer.erased_at is None
                and error.customer.merged_into_id is None
            ):
                known = {"name": finding.shorten(error.customer.name), "token": token_of(error.customer)}
        except KeyReused as error:
            return redirect("till_done", key=error.action.key)
        else:
            return redirect("till_done", key=action.key)
    for name, field in form.fields.items():
        look = (
            "form-check-input" if name.startswith("may_") else "form-select" if name == "language" else "form-control"
        )
        field.widget.attrs["class"] = look
    form.fields["phone"].widget.attrs["autofocus"] = True
    context = {
        "form": form, "key_form": key_form, "known": known, "station": station, "section": "sale",
        "consents": [form["may_mail_offers"], form["may_mail_surveys"]],
    }  # fmt: skip
    return render(request, "till/enrol.html", context)


def _sale_address(request: HttpRequest, found: Found, term: str) -> str:
    proof = ""
    if found.matched_by == MatchedBy.FRESH_CODE:
        text = "".join(term.split())
        proof = proofs.try_code(customer=found.customer, text=text, by=request.user, now=timezone.now())
    return f"{reverse('till_sale')}?customer={token_of(found.customer, proof=proof)}"

"""The customer's pages of stamp cards."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from customers.access import customer_page
from customers.models import Customer
from rewards import stamp_sheets


@require_GET
@customer_page
def stamp_cards(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show all stamp cards."""
    return render(request, "rewards/stamp_cards.html", {"sheets": stamp_sheets.sheets_of(customer=customer)})


@require_GET
@customer_page
def stamp_card(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Show one card with everything that happened on it."""
    sheet = stamp_sheets.sheet_of(customer=customer, number=pk)
    if sheet is None:
        raise Http404
    context = {"sheet": sheet, "moves": stamp_sheets.moves_of(customer=customer, card=sheet.card)}
    return render(request, "rewards/stamp_card.html", context)

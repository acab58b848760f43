"""Who may open a customer's page: the customer, starting from the log-in, never from an id in the address."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from customers.models import Customer, User


def customer_of(user: User) -> Customer | None:
    """Return the customer behind a log-in; None for staff without a card of their own."""
    return Customer.objects.enrolled().filter(user=user).first()


def customer_page[**P](
    view: Callable[Concatenate[HttpRequest, Customer, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Hand the signed-in customer to a view; staff without a card go to the admin, others learn where to get one."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        customer = customer_of(request.user)
        if customer is not None:
            request.customer = customer
            return view(request, customer, *args, **kwargs)
        if request.user.is_staff:
            return redirect("admin:index")
        return render(request, "customers/no_card.html", status=403)

    return page

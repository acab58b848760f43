"""Answers that tell nothing by how long they take.

The pages that ask for an address, for a mailed code, a password or a link for a new one, do the same work for known and unknown
ones, but for things such as the first log-in of a customer on paper, which takes a third longer. So their answers leave at the next
quarter of a second, whatever was done before.
"""

from collections.abc import Callable
from functools import wraps
from time import monotonic, sleep

from django.conf import settings
from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]


def evenly(view: View) -> View:
    """Hold the answers to POST back until the next multiple of EVEN_ANSWER_SECONDS after the request came."""

    @wraps(view)
    def even(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        began = monotonic()
        response = view(request, *args, **kwargs)
        if request.method == "POST" and settings.EVEN_ANSWER_SECONDS:
            sleep(left_of(spent=monotonic() - began, step=settings.EVEN_ANSWER_SECONDS))
        return response

    return even


def left_of(*, spent: float, step: float) -> float:
    """Return how many seconds are left to the next multiple of a step; a whole one when it is just reached."""
    return step - spent % step

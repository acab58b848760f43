"""What a link shows that opens nothing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def not_here(request: HttpRequest) -> HttpResponse:
    """Say the same of a link that is wrong, revoked or too old: 404, for 410 would confirm that there once was one."""
    return render(request, "surveys/not_here.html", status=404)

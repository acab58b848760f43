"""Where somebody is signed in, signing out from afar, and putting a passkey off."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from customers import devices as signed_in
from customers import passkeys


@require_http_methods(["GET", "HEAD", "POST"])
def devices(request: HttpRequest) -> HttpResponse:
    """Show the devices of whoever is signed in, staff included, and end one session or all."""
    if request.method == "POST" and "everywhere" in request.POST:
        signed_in.sign_out_everywhere(user=request.user)
        logout(request)
        messages.success(request, _("You are signed out on every device."))
        return redirect("account_request_login_code")
    if request.method == "POST":
        pk = request.POST.get("device", "")
        if pk.isdecimal() and len(pk) < 19 and signed_in.sign_out(user=request.user, pk=int(pk)):
            messages.success(request, _("That device is signed out."))
        return redirect("devices")
    now = timezone.now()
    shown = signed_in.devices_of(user=request.user, session=request.session, now=now)
    return render(request, "customers/devices.html", {"devices": shown, "is_staff": request.user.is_staff})


@require_POST
def passkey_later(request: HttpRequest) -> HttpResponse:
    """Remember on this device that a passkey is not wanted now."""
    response = redirect("home")
    response.set_cookie(
        passkeys.LATER, "yes", max_age=passkeys.LATER_FOR, secure=settings.SECURE_SSL, httponly=True, samesite="Lax"
    )
    return response

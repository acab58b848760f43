"""Language, privacy and second factors, on every request."""

from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers

from customers import devices, doors


class LanguageMiddleware(LocaleMiddleware):
    """The choice made on this device, else the person's own, else the browser's, else the shop's."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if (
            settings.LANGUAGE_COOKIE_NAME not in request.COOKIES
            and request.user.is_authenticated
            and request.user.language
        ):
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()


class SessionTermMiddleware:
    """Sign out who has been signed in, or away, for too long, and note who was here (customers.devices)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            now = timezone.now()
            if devices.is_over(user=request.user, session=request.session, now=now):
                logout(request)
            else:
                agent = request.META.get("HTTP_USER_AGENT", "")
                devices.note_seen(user=request.user, session=request.session, user_agent=agent, now=now)
        return self.get_response(request)


class PrivatePagesMiddleware:
    """Keep what a signed-in person sees out of every cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # What is the same for everybody says so itself: the manifest, the merchant's colours and logo.
        is_shared = "public" in response.headers.get("Cache-Control", "")
        if not is_shared and request.user.is_authenticated:
            add_never_cache_headers(response)
        return response


class DenialsMiddleware:
    """Write into the audit trail which page was closed to somebody who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 403 and request.resolver_match and request.user.is_authenticated:
            doors.denied(user=request.user, page=request.resolver_match.view_name, now=timezone.now())
        return response


class DevicesMiddleware:
    """Let no page use the camera, the microphone or the place of a device, but for the camera at the till, to scan."""

    CAMERA_PATHS = ("/till/",)
    OTHERS = "microphone=(), geolocation=(), payment=(), usb=()"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        camera = "(self)" if request.path.startswith(self.CAMERA_PATHS) else "()"
        response["Permissions-Policy"] = f"camera={camera}, {self.OTHERS}"
        return response


class StaffSecondFactorMiddleware:
    """Let staff go nowhere but to setting up a second factor until they have one (STAFF_MFA_REQUIRED)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if settings.STAFF_MFA_REQUIRED and user.is_authenticated and user.is_staff:
            open_paths = ("/accounts/", settings.STATIC_URL)
            if not request.path.startswith(open_paths) and not is_mfa_enabled(user):
                return redirect("mfa_index")
        return self.get_response(request)

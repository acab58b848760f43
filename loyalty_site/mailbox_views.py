"""The developer's mailbox: what the portal would have mailed. Only with DEBUG and the mailbox mailer; otherwise 404."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.csp import CSP
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_GET

from loyalty_site import mailbox

SHOWN = 100
# A mail brings its own styles and may open links in a new window; it runs nothing, loads nothing and sees no cookie.
MAIL_CSP = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.UNSAFE_INLINE],
    "img-src": ["data:"],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.NONE],
    "frame-ancestors": [CSP.SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


@require_GET
@login_not_required
def inbox(request: HttpRequest) -> HttpResponse:
    """List the newest mails."""
    if not mailbox.directories():
        raise Http404
    return render(request, "loyalty_site/inbox.html", {"mails": list(mailbox.newest(limit=SHOWN))})


@require_GET
@login_not_required
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one mail: its headers, its text and, in a frame of its own, its HTML."""
    return render(request, "loyalty_site/mail.html", {"mail": _mail(name)})


@require_GET
@login_not_required
@csp_override(MAIL_CSP)
@xframe_options_sameorigin
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """Serve the HTML part as the mail program would get it; links leave the frame."""
    return HttpResponse(_mail(name).html.replace("<head>", '<head><base target="_blank">', 1))


def _mail(name: str) -> mailbox.Mail:
    found = mailbox.find(name=name)
    if found is None:
        raise Http404
    return found

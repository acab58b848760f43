"""Every mail of the portal as it would look, for staff."""

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_GET

from loyalty_site import mail_samples
from loyalty_site.mail_samples import NothingToShow, Written
from loyalty_site.mailbox_views import MAIL_CSP

LANGUAGES = {"en": "English", "zh-hans": "简体中文"}
SEE = "customers.view_look"


@require_GET
@permission_required(SEE, raise_exception=True)
def mails(request: HttpRequest) -> HttpResponse:
    """List the mails to customers and to staff."""
    context = {
        "to_customers": [(kind, label) for kind, (label, __) in mail_samples.TO_CUSTOMERS.items()],
        "to_staff": [(kind, label) for kind, (label, __) in mail_samples.TO_STAFF.items()],
    }
    return render(request, "loyalty_site/mails.html", context)


@require_GET
@permission_required(SEE, raise_exception=True)
def mail_sample(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """Show one mail in one language."""
    try:
        written = _written(kind, language)
    except NothingToShow:
        written = None
    context = {
        "kind": kind, "label": mail_samples.kinds()[kind][0], "written": written, "language": language,
        "languages": LANGUAGES.items(),
    }  # fmt: skip
    return render(request, "loyalty_site/mail_sample.html", context)


@require_GET
@permission_required(SEE, raise_exception=True)
@csp_override(MAIL_CSP)
@xframe_options_sameorigin
def mail_sample_html(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """Serve the HTML part alone, as a mail program would get it."""
    try:
        return HttpResponse(_written(kind, language).html.replace("<head>", '<head><base target="_blank">', 1))
    except NothingToShow as error:
        raise Http404 from error


def _written(kind: str, language: str) -> Written:
    if language not in LANGUAGES or kind not in mail_samples.kinds():
        raise Http404
    return mail_samples.write(kind=kind, language=language)

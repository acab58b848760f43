"""What a customer has and had: coupons, the statement of points, purchases and their receipts."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers import csv_out
from customers.access import customer_page
from customers.models import Customer
from customers.timezones import programme_date
from rewards import receipts, stamp_sheets, statement_export
from rewards import statement as statements
from rewards.coupons import CouponRefused, Reason, code_of, hide, see, unhide
from rewards.models import Coupon, PointBalance
from rewards.passes import Pass, conditions_of, live_passes, put_away_passes, spent_passes

PAGE = 25
MOST_LIVE = 100
MOST_SPENT = 30
LARGEST_KEY = 2**63 - 1


@require_GET
@customer_page
def coupons(request: HttpRequest, customer: Customer) -> HttpResponse:
    """List the coupons: what can be used first, behind it what was put away and what was used or expired."""
    now = timezone.now()
    context = {
        "live": live_passes(customer=customer, now=now, limit=MOST_LIVE),
        "put_away": put_away_passes(customer=customer, now=now, limit=MOST_LIVE),
        "spent": spent_passes(customer=customer, now=now, limit=MOST_SPENT),
        "sheets": stamp_sheets.sheets_of(customer=customer),
    }
    return render(request, "rewards/coupons.html", context)


@require_GET
@customer_page
def coupon(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Show one coupon with its code, for the till and the printer."""
    found = _coupon(customer, pk)
    now = timezone.now()
    see(coupon=found, now=now)
    ticket = Pass.of(found, now=now)
    code = "" if ticket.is_over or ticket.is_put_away else code_of(found)
    context = {"ticket": ticket, "code": code, "conditions": conditions_of(found.batch)}
    return render(request, "rewards/coupon.html", context)


@require_POST
@customer_page
def coupon_hide(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Put a coupon away: the list is shorter, the coupon stays the customer's."""
    found = _coupon(customer, pk)
    try:
        hide(coupon=found, now=timezone.now())
    except CouponRefused as error:
        if error.reason != Reason.HIDDEN:  # a second press finds done what it asks for
            messages.error(request, str(error))
            return redirect("coupon", found.pk)
    messages.success(
        request, _("“%(coupon)s” is put away. You find it at the end of this page.") % {"coupon": found.batch.name}
    )
    return redirect("coupons")


@require_POST
@customer_page
def coupon_unhide(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Take a coupon out again and show it."""
    found = _coupon(customer, pk)
    try:
        unhide(coupon=found, now=timezone.now())
    except CouponRefused as error:
        if error.reason != Reason.NOT_HIDDEN:
            messages.error(request, str(error))
    return redirect("coupon", found.pk)


@require_GET
@customer_page
def statement(request: HttpRequest, customer: Customer) -> HttpResponse:
    """Show every movement of points in words, newest first, or those of one kind."""
    show = _shown(request)
    lines, older = statements.page_of(customer=customer, before=_before(request), size=PAGE, show=show)
    balance = PointBalance.objects.filter(customer=customer).first() or PointBalance(customer=customer)
    context = {
        "lines": lines, "older": older, "balance": balance, "is_first": "before" not in request.GET, "show": show,
        "keep": f"show={show}&" if show else "", "kinds": statements.kinds(),
    }  # fmt: skip
    return render(request, "rewards/statement.html", context)


@require_GET
@customer_page
def statement_file(request: HttpRequest, customer: Customer) -> StreamingHttpResponse:
    """Hand out the whole statement, or the movements of one kind, as CSV."""
    return csv_out.download(
        name=f"statement-{programme_date(timezone.now())}.csv",
        heading=statement_export.heading(),
        rows=statement_export.rows(customer=customer, show=_shown(request)),
    )


@require_GET
@customer_page
def purchases(request: HttpRequest, customer: Customer) -> HttpResponse:
    """List the purchases with the points they earned, newest first."""
    rows, older = receipts.page_of(customer=customer, before=_before(request), size=PAGE)
    context = {"purchases": rows, "older": older, "is_first": "before" not in request.GET}
    return render(request, "rewards/purchases.html", context)


@require_GET
@customer_page
def purchase(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Show one receipt: its lines, what came back, and the points it earned with their reasons."""
    found = get_object_or_404(customer.purchases.select_related("store"), pk=_key(pk))
    return render(request, "rewards/purchase.html", receipts.receipt_of(purchase=found))


def _coupon(customer: Customer, pk: int) -> Coupon:
    found: Coupon = get_object_or_404(customer.coupons.select_related("batch__product"), pk=_key(pk))
    return found


def _before(request: HttpRequest) -> int | None:
    """Return the row to go on below; a made-up one is a page that does not exist."""
    text = request.GET.get("before")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Http404
    return int(text)


def _shown(request: HttpRequest) -> str:
    """Return which kind of movements is asked for, empty for all; a made-up one is a page that does not exist."""
    show = request.GET.get("show", "")
    if show and show not in statements.SHOWN:
        raise Http404
    return show


def _key(pk: int) -> int:
    if pk > LARGEST_KEY:
        raise Http404
    return pk

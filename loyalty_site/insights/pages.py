"""The doors of the pages for marketers. Nothing is counted here."""

import datetime as dt

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from customers import csv_out
from loyalty_site.insights import effects, foresight, monthly, overview, owed, ranking, report
from rewards import liability

COMING_BACK, OWED = "customers.view_buyingmonth", "rewards.view_vintagemonth"
GIFTS = "rewards.view_surprise"


@require_GET
@permission_required(COMING_BACK, raise_exception=True)
def insights(request: HttpRequest) -> HttpResponse:
    """Show whether customers come back."""
    return render(request, "loyalty_site/insights.html", overview.overview(now=timezone.now()))


@require_GET
@permission_required(OWED, raise_exception=True)
def points_owed(request: HttpRequest) -> HttpResponse:
    """Show what is owed in points at the end of a month."""
    closed = owed.closed_months(now=timezone.now())
    if not closed:
        return render(request, "loyalty_site/insights_owed.html", {"closed": closed})
    statement = liability.statement(month=_chosen(request, closed))
    context = {
        "closed": closed, "statement": statement, "owed_chart": owed.owed_chart(statement), "ages": range(owed.AGES),
        "curve_chart": owed.curve_chart(statement), "curve_rows": owed.curve_rows(statement),
        "vintages": owed.vintage_rows(statement), "expected": owed.rounded(statement.expected),
        "error": owed.rounded(statement.error), "breakage": owed.rounded(statement.breakage),
    }  # fmt: skip
    return render(request, "loyalty_site/insights_owed.html", context)


@require_GET
@permission_required(OWED, raise_exception=True)
def month_close(request: HttpRequest) -> HttpResponseBase:
    """Hand out a month's close as a file for the accountant."""
    closed = owed.closed_months(now=timezone.now())
    if not closed:
        raise Http404
    statement = liability.statement(month=_chosen(request, closed))
    name = f"points-owed-{statement.month_date:%Y-%m}.csv"
    return csv_out.download(name=name, heading=owed.close_heading(), rows=owed.close_rows(statement))


@require_GET
@permission_required([COMING_BACK, GIFTS], raise_exception=True)
def what_works(request: HttpRequest) -> HttpResponse:
    """Show the effect of surprises and coupons, and how good recommendations are."""
    return render(request, "loyalty_site/insights_effects.html", effects.effects(now=timezone.now()))


@require_GET
@permission_required([COMING_BACK, GIFTS], raise_exception=True)
def by_net_effect(request: HttpRequest) -> HttpResponseBase:
    """Hand out the trials by what they earned after costs, as a file."""
    found = effects.counted(now=timezone.now()).all()
    return csv_out.download(name="net-effect.csv", heading=ranking.heading(), rows=ranking.rows(found))


@require_GET
@permission_required(COMING_BACK, raise_exception=True)
def forecasts(request: HttpRequest) -> HttpResponse:
    """Show what the forecasts of purchases are worth."""
    return render(request, "loyalty_site/insights_forecasts.html", foresight.foresight(now=timezone.now()))


@require_GET
@permission_required(monthly.SEES, raise_exception=True)
def monthly_report(request: HttpRequest) -> HttpResponse:
    """Show the report of a month as it is mailed."""
    now = timezone.now()
    closed = report.months_to_report(now=now)
    if not closed:
        return render(request, "loyalty_site/insights_report.html", {"closed": closed})
    found = monthly.counted(month_date=_chosen(request, closed), now=now)
    return render(request, "loyalty_site/insights_report.html", {"closed": closed, "report": found})


@require_GET
@permission_required(monthly.SEES, raise_exception=True)
def monthly_report_pdf(request: HttpRequest) -> HttpResponse:
    """Hand out the report of a month as a PDF, in the reader's language."""
    now = timezone.now()
    closed = report.months_to_report(now=now)
    if not closed:
        raise Http404
    month = _chosen(request, closed)
    name = f'attachment; filename="report-{month:%Y-%m}.pdf"'
    content = monthly.pdf(month_date=month, now=now)
    return HttpResponse(content, content_type="application/pdf", headers={"Content-Disposition": name})


def _chosen(request: HttpRequest, closed: list[dt.date]) -> dt.date:
    """Return the month that was asked for, the newest without a wish. Raises Http404 for one that is not closed."""
    wish = request.GET.get("month", "")
    found = next((month for month in closed if f"{month:%Y-%m}" == wish), None)
    if wish and found is None:
        raise Http404
    return found or closed[0]

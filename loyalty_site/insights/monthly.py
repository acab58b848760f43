"""The monthly report by mail: to the owners and to whoever plans surprises, each once per month and in their language."""

import datetime as dt

from django.utils import timezone, translation

from customers import months, staff_mail
from customers.models import StaffNotice, User
from customers.staff_mail import Attachment
from customers.timezones import programme_date
from loyalty_site.insights import report, report_pdf
from loyalty_site.insights.keeping import kept
from loyalty_site.insights.report import Report

KIND = StaffNotice.Kind.MONTHLY_REPORT
SEES = ("customers.view_buyingmonth", "rewards.view_vintagemonth", "rewards.view_surprise")
PLANS = "rewards.add_surprise"
CAUGHT_UP_DAYS = 7  # a shop that was shut down reports within the first week of a month, or not at all


def readers() -> list[User]:
    """Return the owners and those who plan surprises, as far as they may see all of it and have an address."""
    found = {user.pk: user for user in [*staff_mail.owners(), *staff_mail.who_may(PLANS)]}
    return [user for user in found.values() if user.email and user.has_perms(SEES)]


def send_due(*, now: dt.datetime) -> int:
    """Queue the report of last month for its readers, once each, and return for how many; again changes nothing."""
    today = programme_date(now)
    last = months.plus(today.replace(day=1), -1)
    if today.day > CAUGHT_UP_DAYS or last not in report.months_to_report(now=now):
        return 0
    source = f"report:{last:%Y-%m}"
    sent = StaffNotice.objects.filter(kind=KIND, source=source).values_list("reader", flat=True)
    waiting = [user for user in readers() if user.pk not in set(sent)]
    if waiting:
        context = report.key_figures(month_date=last, now=now)
        staff_mail.queue(kind=KIND, source=source, context=context, readers=waiting, now=now)
    return len(waiting)


def counted(*, month_date: dt.date, now: dt.datetime) -> Report:
    """Return the report of a month in the active language; the same for ten minutes."""
    name = f"report:{month_date:%Y-%m}:{translation.get_language()}"
    return kept(name, lambda: report.report(month_date=month_date, now=now), now=now)


def pdf(*, month_date: dt.date, now: dt.datetime) -> bytes:
    """Return the same as a PDF."""
    return report_pdf.write(counted(month_date=month_date, now=now))


def attachment(notice: StaffNotice) -> Attachment:
    """Return the report that goes with its mail, in the reader's language."""
    month_date = dt.date.fromisoformat(notice.context["month"])
    return Attachment(
        f"report-{month_date:%Y-%m}.pdf", pdf(month_date=month_date, now=timezone.now()), "application/pdf"
    )

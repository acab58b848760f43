"""What a triggered campaign asks about: queries that find occasions, and heal themselves because they find again what is missing.

Each is one set-based query over history, written into occasions once (UNIQUE on campaign and cause). Nothing announces a
purchase to a campaign: whatever was imported late, or happened while the clock stood still, is found by the next thorough look.
"""

import datetime as dt
from collections.abc import Callable

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
    Window,
)  # fmt: skip
from django.db.models.functions import Cast, Concat, RowNumber, TruncDate

from customers import statements
from customers.models import Customer, Purchase, Store
from customers.statements import Statement
from customers.timezones import programme_date, start_of_day, zone
from rewards.models import PointLot, TierMembership
from surveys.models import Campaign, ContactLogEntry, Occasion
from surveys.models import Case as CareCase

Trigger = Campaign.Trigger
# Later than this an occasion is past: nobody wants to be asked about a coffee of last month.
LATEST = dt.timedelta(days=14)
# How far back a thorough look goes, and a quick one.
FAR, NEAR = dt.timedelta(days=60), dt.timedelta(hours=3)
# Found at every tick; the others cost a scan and wait for the hourly look.
QUICK = (Trigger.PURCHASE, Trigger.TIER, Trigger.CONTACT, Trigger.CASE_CLOSED)

type Finder = Callable[[Campaign, dt.datetime, dt.datetime], QuerySet]


def find(*, campaign: Campaign, now: dt.datetime, is_thorough: bool = False) -> int:
    """Write down the occasions that are new and return how many; again it finds nothing.

    From the start of the campaign on, until it ends. Not thorough, it looks at the last hours only.
    """
    finder = FINDERS.get(Trigger(campaign.trigger))
    if finder is None or campaign.scheduled_at is None or campaign.scheduled_at > now:
        return 0
    if not is_thorough and campaign.trigger not in QUICK:
        return 0
    since = max(campaign.scheduled_at, now - (FAR if is_thorough else NEAR))
    until = min(now, campaign.ends_at) if campaign.ends_at else now
    return _write(campaign, finder(campaign, since, until), now)


def _write(campaign: Campaign, found: QuerySet, now: dt.datetime) -> int:
    inner, values = found.order_by().query.sql_with_params()
    # The alias columns of a query cannot be named from outside on both databases alike, so their order counts.
    sql = f"""
        WITH found (source, customer_id, occurred_at, due_at) AS ({inner})
        INSERT INTO surveys_occasion (campaign_id, source, customer_id, state, occurred_at, due_at, look_at, recorded_at)
        SELECT %s, source, customer_id, %s, occurred_at, due_at, due_at, %s FROM found WHERE true
        ON CONFLICT (campaign_id, source) DO NOTHING RETURNING id
    """  # noqa: S608 (the query of the ORM)
    [rows] = statements.run(Statement(sql, [*values, campaign.pk, Occasion.State.WAITING, statements.stored(now)]))
    return len(rows)


def _rows(queryset: QuerySet, *, source: object, customer: str, occurred_at: object, due_at: object) -> QuerySet:
    return queryset.annotate(
        _source=Cast(source, CharField()), _customer=F(customer), _occurred=occurred_at, _due=due_at
    ).values_list("_source", "_customer", "_occurred", "_due")


def _named(kind: str, *parts: str) -> Concat:
    """Return the name of a cause, such as purchase:1042."""
    pieces: list[object] = [Value(kind)]
    for part in parts:
        pieces += [Value(":"), Cast(part, CharField())]
    return Concat(*pieces, output_field=CharField())


def _later(column: str, days: int) -> object:
    return Cast(F(column) + dt.timedelta(days=days), DateTimeField()) if days else F(column)


def _moment(moment: dt.datetime) -> Value:
    return Value(moment, output_field=DateTimeField())


def _purchases(campaign: Campaign, since: dt.datetime, until: dt.datetime) -> QuerySet:
    bought = Purchase.objects.filter(customer__isnull=False, occurred_at__gte=since, occurred_at__lte=until)
    if campaign.store_id:
        bought = bought.filter(store=campaign.store_id)
    due = Case(
        When(store__kind=Store.Kind.WEB, then=F("occurred_at") + dt.timedelta(days=campaign.delay_days_web)),
        default=F("occurred_at") + dt.timedelta(days=campaign.delay_days),
        output_field=DateTimeField(),
    )
    return _rows(
        bought, source=_named("purchase", "pk"), customer="customer_id", occurred_at=F("occurred_at"), due_at=due
    )


def _nth_purchase(campaign: Campaign, since: dt.datetime, until: dt.datetime) -> QuerySet:
    recent = Purchase.objects.filter(customer__isnull=False, occurred_at__gte=since, occurred_at__lte=until)
    place = Window(RowNumber(), partition_by=F("customer"), order_by=[F("occurred_at").asc(), F("pk").asc()])
    counted = Purchase.objects.filter(customer__in=recent.values("customer"), occurred_at__lte=until)
    if campaign.store_id:
        counted = counted.filter(store=campaign.store_id)
    # Counted first and narrowed afterwards: a condition beside the window would take earlier purchases out of the count.
    nth = counted.annotate(_place=place).filter(_place=campaign.number)
    reached = Purchase.objects.filter(pk__in=nth.values("pk"), occurred_at__gte=since)
    name = Concat(Value(f"nth:{campaign.number}:"), Cast("customer_id", CharField()), output_field=CharField())
    return _rows(
        reached,
        source=name,
        customer="customer_id",
        occurred_at=F("occurred_at"),
        due_at=_later("occurred_at", campaign.delay_days),
    )


def _tier(campaign: Campaign, since: dt.datetime, until: dt.datetime) -> QuerySet:
    reached = TierMembership.objects.filter(
        reason=TierMembership.Reason.REACHED, started_at__gte=since, started_at__lte=until
    )
    if campaign.tier_id:
        reached = reached.filter(tier=campaign.tier_id)
    return _rows(
        reached,
        source=_named("tier", "pk"),
        customer="customer_id",
        occurred_at=F("started_at"),
        due_at=_later("started_at", campaign.delay_days),
    )


def _points_expiring(campaign: Campaign, since: dt.datetime, until: dt.datetime) -> QuerySet:
    """Group what expires within the days; the first of those days names the occasion, so that the next month is another."""
    end = until + dt.timedelta(days=campaign.days or 0)
    expiring = PointLot.objects.spendable().filter(expires_at__gt=until, expires_at__lte=end).order_by()
    totals = expiring.values("customer").annotate(_points=Sum("remaining"), _first=Min("expires_at"))
    totals = totals.filter(_points__gte=campaign.number or 1)
    day = Cast(TruncDate("_first", tzinfo=zone("")), CharField())
    source = Concat(Value("expiry:"), Cast("customer", CharField()), Value(":"), day, output_field=CharField())
    return totals.annotate(_source=source, _occurred=_moment(until), _due=_moment(until)).values_list(
        "_source", "customer", "_occurred", "_due"
    )


def _lapsed(campaign: Campaign, since: dt.datetime, until: dt.datetime) -> QuerySet:
    """Find whose last purchase has become too old since the campaign began, within the days in which it still matters."""
    away = dt.timedelta(days=campaign.days or 0)
    end = until - away
    begin = max(since - away, end - LATEST)
    later = Purchase.objects.filter(customer=OuterRef("customer"), occurred_at__gt=end, occurred_at__lte=until)
    last = Purchase.objects.filter(~Exists(later), customer__isnull=False, occurred_at__gte=begin, occurred_at__lte=end)
    by_customer = last.order_by().values("customer").annotate(_last=Max("pk"))
    source = Concat(
        Value("lapsed:"),
        Cast("customer", CharField()),
        Value(":"),
        Cast("_last", CharField()),
        output_field=CharField(),
    )
    return by_customer.annotate(_source=source, _occurred=_moment(until), _due=_moment(until)).values_list(
        "_source", "customer", "_occurred", "_due"
    )


def _birthday(campaign: Campaign, since: dt.datetime, until: dt.datetime) -> QuerySet:
    """Find the birthdays that come in so many days; who was born on 29 February has it on the 28th in other years."""
    before = dt.timedelta(days=campaign.days or 0)
    today = programme_date(until)
    first = max(programme_date(since), today - LATEST)
    whens, days = [], Q()
    for offset in range((today - first).days + 1):
        day = first + dt.timedelta(days=offset) + before
        born = Q(birthday__month=day.month, birthday__day=day.day)
        is_leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
        if (day.month, day.day) == (2, 28) and not is_leap:
            born |= Q(birthday__month=2, birthday__day=29)
        days |= born
        whens.append((born, day))
    source = Case(
        *(When(born, then=_named(f"birthday:{day.year}", "pk")) for born, day in whens), output_field=CharField()
    )
    due = Case(
        *(When(born, then=_moment(start_of_day(day - before))) for born, day in whens), output_field=DateTimeField()
    )
    customers = Customer.objects.enrolled().filter(days, birthday__isnull=False)
    return _rows(customers, source=source, customer="pk", occurred_at=due, due_at=due)


def _contact(campaign: Campaign, since: dt.datetime, until: dt.datetime) -> QuerySet:
    calls = ContactLogEntry.objects.filter(
        channel=ContactLogEntry.Channel.HOTLINE,
        direction=ContactLogEntry.Direction.IN,
        occurred_at__gte=since,
        occurred_at__lte=until,
    )
    return _rows(
        calls,
        source=_named("contact", "pk"),
        customer="customer_id",
        occurred_at=F("occurred_at"),
        due_at=_later("occurred_at", campaign.delay_days),
    )


def _case_closed(campaign: Campaign, since: dt.datetime, until: dt.datetime) -> QuerySet:
    closed = CareCase.objects.filter(customer__isnull=False, closed_at__gte=since, closed_at__lte=until)
    return _rows(
        closed,
        source=_named("case", "pk"),
        customer="customer_id",
        occurred_at=F("closed_at"),
        due_at=_later("closed_at", campaign.delay_days),
    )


FINDERS: dict[Campaign.Trigger, Finder] = {
    Trigger.PURCHASE: _purchases,
    Trigger.NTH_PURCHASE: _nth_purchase,
    Trigger.TIER: _tier,
    Trigger.POINTS_EXPIRING: _points_expiring,
    Trigger.LAPSED: _lapsed,
    Trigger.BIRTHDAY: _birthday,
    Trigger.CONTACT: _contact,
    Trigger.CASE_CLOSED: _case_closed,
}

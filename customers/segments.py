"""Segments: named sets of customers, so that a coupon, a mail or a survey can speak of "lapsed" without a query of its own.

Each segment is one set-based query. Days are the programme's; purchases count by when they happened, and a segment asked
for an earlier `now` answers as it would have then.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import rhythm_states, saved_filters
from customers.models import Customer, Purchase, SavedFilter, Store
from customers.models.customer import CustomerQuerySet
from customers.models.purchase import PurchaseQuerySet
from customers.timezones import programme_date, start_of_day

type Select = Callable[[CustomerQuerySet, dt.datetime, Store | None], CustomerQuerySet]


class UnknownSegment(LookupError):
    """Raised when nobody has defined a segment of that name."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(_("There is no segment called “%(key)s”.") % {"key": key})


@dataclass(frozen=True)
class Segment:
    """One set: a stable key, words for people, and how to select it from the enrolled customers."""

    key: str
    label: str | Promise
    description: str | Promise
    select: Select


def members(key: str, *, now: dt.datetime, store: Store | None = None) -> CustomerQuerySet:
    """Return the enrolled customers of a segment, of whom a store keeps those who have bought there.

    Where the segment itself is about purchases ("in the last 30 days"), those at the store count; lapsed stays lapsed everywhere.
    Unordered; walk it by primary key. Raises UnknownSegment.
    """
    segment = find(key)
    if segment is None:
        raise UnknownSegment(key)
    customers = Customer.objects.enrolled().filter(enrolled_at__lte=now)
    if store is not None:
        customers = customers.filter(_bought(until=now, store=store))
    return segment.select(customers, now, store)


def choices() -> list[tuple[str, str | Promise]]:
    """Return keys and labels for a form, in the order in which people think of them."""
    own = [(saved.key, saved.name) for saved in SavedFilter.objects.order_by("code")]
    return [*((segment.key, segment.label) for segment in SEGMENTS.values()), *own]


def find(key: str) -> Segment | None:
    """Return the segment of a key, built in or saved by a marketer; None when nobody has defined it."""
    if not key.startswith(saved_filters.PREFIX):
        return SEGMENTS.get(key)
    saved = SavedFilter.objects.filter(code=key.removeprefix(saved_filters.PREFIX)).first()
    return None if saved is None else _from_filter(saved)


def _from_filter(saved: SavedFilter) -> Segment:
    def select(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
        return saved_filters.select(saved_filter=saved, customers=customers, now=now)

    return Segment(saved.key, saved.name, "", select)


def _days_ago(now: dt.datetime, days: int) -> dt.datetime:
    return start_of_day(programme_date(now) - dt.timedelta(days=days))


def _purchases(until: dt.datetime, since: dt.datetime | None, store: Store | None) -> PurchaseQuerySet:
    purchases = Purchase.objects.filter(occurred_at__lte=until)
    if since is not None:
        purchases = purchases.filter(occurred_at__gte=since)
    return purchases if store is None else purchases.filter(store=store)


def _bought(*, until: dt.datetime, since: dt.datetime | None = None, store: Store | None = None) -> Exists:
    """One look into the index of the customer's purchases, newest first."""
    return Exists(_purchases(until, since, store).filter(customer=OuterRef("pk")))


def _everyone(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
    return customers


def _bought_within(days: int) -> Select:
    def select(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
        return customers.filter(_bought(until=now, since=_days_ago(now, days), store=store))

    return select


def _bought_often(times: int, days: int) -> Select:
    def select(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
        regulars = (
            _purchases(now, _days_ago(now, days), store)
            .filter(customer__isnull=False)
            .values("customer")
            .annotate(_visits=Count("pk"))
            .filter(_visits__gte=times)
        )
        return customers.filter(pk__in=regulars.values("customer"))

    return select


def _lapsed(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
    return customers.filter(_bought(until=now), ~_bought(until=now, since=_days_ago(now, 90)))


def _never_bought(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
    return customers.exclude(_bought(until=now))


def _new(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
    return customers.filter(enrolled_at__gte=_days_ago(now, 30))


def _birthday_this_month(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
    return customers.filter(birthday__month=programme_date(now).month)


def _by_rhythm(state: str) -> Select:
    """Select by the customer's own rhythm, as of the last night; whoever has bought since is neither due nor lapsed."""

    def select(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
        return rhythm_states.in_state(customers, state, now)

    return select


def _by_standing(**figures: int) -> Select:
    def select(customers: CustomerQuerySet, now: dt.datetime, store: Store | None) -> CustomerQuerySet:
        return customers.filter(**{f"standing__{name}": figure for name, figure in figures.items()})

    return select


SEGMENTS: dict[str, Segment] = {
    segment.key: segment
    for segment in (
        Segment("everyone", gettext_lazy("Everyone"), gettext_lazy("All customers who take part."), _everyone),
        Segment(
            "bought_30_days",
            gettext_lazy("Bought in the last 30 days"),
            gettext_lazy("At least one purchase in the last 30 days."),
            _bought_within(30),
        ),
        Segment(
            "bought_90_days",
            gettext_lazy("Bought in the last 90 days"),
            gettext_lazy("At least one purchase in the last 90 days."),
            _bought_within(90),
        ),
        Segment(
            "regulars",
            gettext_lazy("Regulars"),
            gettext_lazy("Five purchases or more in the last 365 days."),
            _bought_often(5, 365),
        ),
        Segment(
            "lapsed",
            gettext_lazy("Lapsed"),
            gettext_lazy("Bought before, but nothing in the last 90 days."),
            _lapsed,
        ),
        Segment(
            "never_bought",
            gettext_lazy("Not bought yet"),
            gettext_lazy("Enrolled, but without any purchase so far."),
            _never_bought,
        ),
        Segment("new", gettext_lazy("New"), gettext_lazy("Enrolled in the last 30 days."), _new),
        Segment(
            "birthday",
            gettext_lazy("Birthday this month"),
            gettext_lazy("Has a birthday in the current month."),
            _birthday_this_month,
        ),
        Segment(
            "due",
            gettext_lazy("Due"),
            gettext_lazy("By their own rhythm it is time to come again."),
            _by_rhythm(rhythm_states.DUE),
        ),
        Segment(
            "lapsing",
            gettext_lazy("Lapsing"),
            gettext_lazy("Away for twice as long as usual for them, and not yet four times."),
            _by_rhythm(rhythm_states.LAPSING),
        ),
        Segment(
            "lapsed_rhythm",
            gettext_lazy("Lapsed, by their own rhythm"),
            gettext_lazy("Away for four times as long as usual for them, or longer."),
            _by_rhythm(rhythm_states.LAPSED),
        ),
        Segment(
            "best",
            gettext_lazy("Best customers"),
            gettext_lazy("In the best two fifths by when they last came, how often, and how much they spent."),
            _by_standing(recency__gte=4, frequency__gte=4, monetary__gte=4),
        ),
        Segment(
            "at_risk",
            gettext_lazy("Good customers at risk"),
            gettext_lazy("Came often and spent much, but long ago."),
            _by_standing(recency__lte=2, frequency__gte=4, monetary__gte=4),
        ),
    )
}

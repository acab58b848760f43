"""Where customers are in their own rhythm as of the last night: on time, due, lapsing, lapsed. Whoever has bought since is on time."""

import datetime as dt

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Purchase
from customers.models.customer import CustomerQuerySet

ON_TIME, DUE, LAPSING, LAPSED = "on_time", "due", "lapsing", "lapsed"
LABELS = [
    (ON_TIME, _("on time")),
    (DUE, _("due")),
    (LAPSING, _("lapsing")),
    (LAPSED, pgettext_lazy("of a customer", "lapsed")),
]
# From which moment to which; empty is for ever.
_STRETCHES = {DUE: ("due_at", "lapsing_at"), LAPSING: ("lapsing_at", "lapsed_at"), LAPSED: ("lapsed_at", "")}


def in_state(customers: CustomerQuerySet, state: str, now: dt.datetime) -> CustomerQuerySet:
    """Return the customers in a state; who never bought, or is not followed, is in none."""
    since = Exists(
        Purchase.objects.filter(
            customer=OuterRef("pk"), occurred_at__gt=OuterRef("standing__last_at"), occurred_at__lte=now
        )
    )
    if state == ON_TIME:
        return customers.filter(Q(standing__due_at__gt=now) | since, standing__isnull=False)
    begins, ends = _STRETCHES[state]
    window = {f"standing__{begins}__lte": now} | ({f"standing__{ends}__gt": now} if ends else {})
    return customers.filter(~since, **window)

"""What is given to make something good again, and whether those who were unhappy came back."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Exists, ExpressionWrapper, OuterRef
from django.db.models import DateTimeField as Moment
from django.utils.translation import gettext as _

from customers.models import Purchase, User
from customers.templatetags.loyalty import points as written
from rewards import adjustments, coupons
from rewards.adjustments import Reason, refuse_own_card
from rewards.models import CouponBatch
from surveys import contacts, scores
from surveys.models import Case, ContactLogEntry

DAYS = 60


class NoCustomer(Exception):
    """Nobody to give anything to."""

    def __init__(self, *, case: Case) -> None:
        self.case = case
        super().__init__(_("This case has no customer to give anything to."))


def give_points(*, case: Case, points: int, note: str, key: uuid.UUID, by: User, now: dt.datetime) -> ContactLogEntry:
    """Give points within the limits of the person, note it in the contact log, and return the entry; once per key.

    `note` is for the customer. Raises NoCustomer and what adjustments.adjust raises, AboveLimit among it.
    """
    if case.customer is None:
        raise NoCustomer(case=case)
    with transaction.atomic():
        adjustments.adjust(
            customer=case.customer, points=points, reason=Reason.COMPLAINT, note=note, key=key, by=by, now=now,
            staff_note=f"case {case.pk}",
        )  # fmt: skip
        return _note(case, _("Given: %(points)s points") % {"points": written(points)}, key, by, now)


def give_coupon(*, case: Case, batch: CouponBatch, key: uuid.UUID, by: User, now: dt.datetime) -> ContactLogEntry:
    """Issue a coupon as on the customer's record, note it in the contact log, and return the entry; once per key.

    Raises NoCustomer, OwnCard and what coupons.issue raises.
    """
    if case.customer is None:
        raise NoCustomer(case=case)
    refuse_own_card(case.customer, by)
    with transaction.atomic():
        coupon = coupons.issue(batch=batch, customer=case.customer, source=f"staff:{key}", now=now, by=by)
        return _note(case, _("Given: “%(coupon)s”") % {"coupon": coupon.batch.name}, key, by, now)


def _note(case: Case, topic: str, key: uuid.UUID, by: User, now: dt.datetime) -> ContactLogEntry:
    return contacts.log(
        customer=case.customer, channel=ContactLogEntry.Channel.OTHER, direction=ContactLogEntry.Direction.OUT,
        topic=topic, case=case, key=key, by=by, now=now,
    )  # fmt: skip


@dataclass(frozen=True)
class Returned:
    """Of the customers with cases of one state, how many bought again within sixty days of their case."""

    state: Case.State
    customers: int
    returned: int

    @property
    def score(self) -> scores.Score:
        """The share with its interval."""
        return scores.share(hits=self.returned, n=self.customers)


def returned(*, now: dt.datetime) -> list[Returned]:
    """Return how many came back by the state of their case, counting cases that are at least sixty days old.

    These are counts, not effects: who is called back first, and who can be reached, are not drawn by lot.
    """
    until = ExpressionWrapper(OuterRef("opened_at") + dt.timedelta(days=DAYS), output_field=Moment())
    bought = Purchase.objects.filter(
        customer=OuterRef("customer"), occurred_at__gt=OuterRef("opened_at"), occurred_at__lte=until
    )
    cases = Case.objects.filter(customer__isnull=False, opened_at__lte=now - dt.timedelta(days=DAYS))
    rows = cases.annotate(is_back=Exists(bought)).order_by().values_list("state", "is_back").annotate(Count("pk"))
    found: dict[str, list[int]] = {}
    for state, is_back, number in rows:
        found.setdefault(state, [0, 0])[bool(is_back)] += number
    return [Returned(state, sum(found[state]), found[state][1]) for state in Case.State if state in found]

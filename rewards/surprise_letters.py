"""The mail of a surprise: to those who agreed to offers, once per gift."""

import datetime as dt

from customers import notices
from customers.models.customer import CustomerQuerySet
from customers.notices import Letter
from rewards import trials
from rewards.models import SurpriseGift

KIND = "surprise"
PURPOSE = notices.NEEDS_CONSENT[KIND]


def reachable(customers: CustomerQuerySet) -> CustomerQuerySet:
    """Return those who agreed to offers by mail and have an address."""
    return customers.consenting(channel="email", purpose=PURPOSE).with_contact().exclude(email="")


def queue_for(*, gift: SurpriseGift, now: dt.datetime) -> None:
    """Queue the mail about a gift and note it as the first message; a part of the caller's transaction."""
    context = {"gift": gift.pk, "coupon": gift.coupon_id}
    notices.queue([Letter(gift.customer_id, KIND, f"surprise:{gift.pk}", context)], now=now)
    trials.note_message(assignment_ids=[gift.assignment_id], now=now)

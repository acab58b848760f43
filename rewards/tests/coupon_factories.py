"""Test data of coupons, by typed keyword functions."""

import datetime as dt
from itertools import count

from customers.models import Customer
from customers.tests.factories import NOON
from rewards import coupons
from rewards.models import Coupon, CouponBatch

_numbers = count(1)


def create_batch(*, value_kind: str = "amount", value: int = 500, **fields) -> CouponBatch:
    """Create an active batch: by default 5.00 off, without any limit."""
    fields = {"name_en": "Five off", "name_zh": "立减五元", "state": CouponBatch.State.ACTIVE} | fields
    return CouponBatch.objects.create(value_kind=value_kind, value=value, **fields)


def issue_coupon(
    *, batch: CouponBatch | None = None, customer: Customer | None = None, now: dt.datetime = NOON, source: str = ""
) -> Coupon:
    """Issue a coupon for a cause of its own."""
    source = source or f"test:{next(_numbers)}"
    return coupons.issue(batch=batch or create_batch(), customer=customer, source=source, now=now)

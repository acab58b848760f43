"""The codes of a batch, handed out: as CSV for a printer or another system, or as sheets to cut. Each leaves a trace.

Whoever has such a file can redeem what stands in it, so it is made for who may export, on demand, and never kept.
"""

import datetime as dt
import io
from collections.abc import Iterator
from typing import BinaryIO

from django.utils.translation import gettext as _

from customers.models import User
from rewards import batches, coupon_sheets
from rewards.coupons import code_of
from rewards.models import Coupon, CouponBatch, CouponEvent
from rewards.models.coupon import CouponQuerySet

AT_ONCE = 2_000
PER_FILE = 1_000  # on sheets of ten: a hundred pages
HEADING = ("code", "member_number", "state", "starts_at", "expires_at")


def exportable(*, batch: CouponBatch, now: dt.datetime) -> CouponQuerySet:
    """Return the coupons whose codes are of use to somebody: those that are live."""
    return Coupon.objects.live(now).filter(batch=batch).select_related("batch__product", "customer").order_by("pk")


def parts(*, batch: CouponBatch, now: dt.datetime) -> int:
    """Return into how many files the sheets of a batch are divided."""
    return -(-exportable(batch=batch, now=now).count() // PER_FILE)


def export(*, batch: CouponBatch, by: User, now: dt.datetime) -> Iterator[tuple[str | dt.datetime | None, ...]]:
    """Write down who exports, and give a row for each live coupon, in the order of HEADING."""
    coupons = exportable(batch=batch, now=now)
    batches.note(batch=batch, kind=CouponEvent.Kind.EXPORTED, by=by, now=now, count=coupons.count(), note="CSV")
    return _rows(coupons, now)


def print_sheets(*, batch: CouponBatch, part: int, by: User, now: dt.datetime) -> BinaryIO:
    """Write down who prints, and return a PDF of a part of the live coupons, counted from 1.

    Raises ValueError when there is no such part.
    """
    first = max(0, part - 1) * PER_FILE
    coupons = exportable(batch=batch, now=now)[first : first + PER_FILE]
    count = coupons.count() if part > 0 else 0
    if not count:
        raise ValueError(f"there is no part {part}")
    note = _("part %(part)d") % {"part": part}
    batches.note(batch=batch, kind=CouponEvent.Kind.PRINTED, by=by, now=now, count=count, note=note)
    file = io.BytesIO()  # of a hundred pages at most, which the PDF's maker has in memory anyway
    coupon_sheets.write_sheets(coupons=coupons.iterator(chunk_size=AT_ONCE), batch=batch, file=file, now=now)
    file.seek(0)
    return file


def _rows(coupons: CouponQuerySet, now: dt.datetime) -> Iterator[tuple[str | dt.datetime | None, ...]]:
    for coupon in coupons.iterator(chunk_size=AT_ONCE):
        owner = coupon.customer.member_number if coupon.customer else None
        yield code_of(coupon), owner, coupon.state_at(now), coupon.starts_at, coupon.expires_at

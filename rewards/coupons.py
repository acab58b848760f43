"""Coupons: issuing them, finding them by code, putting them away, voiding them. docs/coupons.md has the states and refusals.

Whatever changes a coupon is one conditional UPDATE that must hit one row; whoever comes second is refused with a reason.
Locks are taken in the order: customer's balance, lots, batch, coupon.
"""

import datetime as dt
from array import array
from collections.abc import Callable, Iterable, Sequence

from django.db import IntegrityError, models, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import bulk
from customers.models import Customer, Store, User
from customers.timezones import programme_date, start_of_day
from rewards import announcements, codes, coupon_rows
from rewards.ledger import SourceConflict
from rewards.models import Coupon, CouponBatch, CouponEvent, CouponHold

CHUNK = 10_000
TRIES = 5  # for codes that exist already, of which the first is unlikely


class Reason(models.TextChoices):
    """Why a coupon was not taken: the complete list, as the till says it."""

    UNKNOWN = "unknown", gettext_lazy("No coupon has this code.")
    USED = "used", gettext_lazy("This coupon was already used.")
    EXPIRED = "expired", gettext_lazy("This coupon has expired.")
    NOT_YET_VALID = "not_yet_valid", gettext_lazy("This coupon is not valid yet.")
    VOIDED = "voided", gettext_lazy("This coupon was cancelled by the shop.")
    HIDDEN = "hidden", gettext_lazy("The customer has put this coupon away and can take it out again.")
    NOT_HIDDEN = "not_hidden", gettext_lazy("This coupon was not put away.")
    RESERVED = "reserved", gettext_lazy("This coupon is reserved for another purchase.")
    NOT_RESERVED = "not_reserved", gettext_lazy("This coupon is not reserved for this purchase.")
    RETURNED = "returned", gettext_lazy("This use of the coupon was already taken back.")
    PAUSED = "paused", gettext_lazy("This offer is paused.")
    CLOSED = "closed", gettext_lazy("This offer is closed.")
    OTHER_CUSTOMER = "other_customer", gettext_lazy("This coupon belongs to somebody else.")
    CUSTOMER_NEEDED = "customer_needed", gettext_lazy("This coupon is for members: please find the customer first.")
    OTHER_STORE = "other_store", gettext_lazy("This coupon is not valid in this store.")
    BASKET_TOO_SMALL = "basket_too_small", gettext_lazy("The basket is below the minimum of this coupon.")
    NOTHING_FITS = "nothing_fits", gettext_lazy("Nothing in the basket fits this coupon.")
    OTHER_TIER = "other_tier", gettext_lazy("This coupon is for members of another tier.")
    OTHER_SEGMENT = "other_segment", gettext_lazy("This coupon is not for this customer at the moment.")
    BASKET_CHANGED = (
        "basket_changed",
        gettext_lazy("The basket is another one than the coupon was reserved for; please reserve it again."),
    )
    NOT_COMBINABLE = "not_combinable", gettext_lazy("These coupons cannot be used together.")
    CUSTOMER_LIMIT = "customer_limit", gettext_lazy("This customer has used the offer as often as allowed.")
    DAY_LIMIT = "day_limit", gettext_lazy("The offer has been used as often as allowed today.")
    BUDGET = "budget", gettext_lazy("The budget of this offer is used up.")
    FROZEN = "frozen", gettext_lazy("No coupon can be redeemed at the moment. Nothing is lost.")


class CouponRefused(Exception):
    """The coupon cannot do what was asked; nothing was changed. The text is for the till, in the active language."""

    def __init__(self, reason: Reason, *, coupon: Coupon | None = None) -> None:
        self.reason, self.coupon = reason, coupon
        super().__init__(reason.label)


class CodeTaken(Exception):
    """The words stand for another offer."""

    def __init__(self, *, text: str) -> None:
        self.text = text
        super().__init__(_("The code %(code)s stands for another offer already.") % {"code": text})


class BatchNotActive(Exception):
    """Coupons are issued only from an active batch that has not ended."""

    def __init__(self, *, batch: CouponBatch) -> None:
        self.batch = batch
        super().__init__(
            _("“%(batch)s” is not active or has ended; no coupon can be issued from it.") % {"batch": batch.name}
        )


class BatchLimitReached(Exception):
    """The batch has no coupon left; `issued` says how many this call still issued."""

    def __init__(self, *, batch: CouponBatch, issued: int = 0) -> None:
        self.batch, self.issued = batch, issued
        super().__init__(
            _("“%(batch)s” has reached its limit of %(limit)d coupons.") % {"batch": batch.name, "limit": batch.limit}
        )


REASON_OF_STATE = {
    "scheduled": Reason.NOT_YET_VALID,
    "expired": Reason.EXPIRED,
    "reserved": Reason.RESERVED,
    "redeemed": Reason.USED,
    "voided": Reason.VOIDED,
    "hidden": Reason.HIDDEN,
}


def issue(
    *, batch: CouponBatch, customer: Customer | None, source: str, now: dt.datetime, by: User | None = None
) -> Coupon:
    """Issue a coupon once per source and return it; without a customer it belongs to whoever shows it.

    Raises BatchNotActive, BatchLimitReached, and SourceConflict when the source has issued something else before.
    """
    if earlier := _issued(source, batch, customer and customer.pk):
        return earlier
    for again in range(TRIES):
        try:
            return _issue(batch, customer, source, codes.generate(1)[0], now, by)
        except IntegrityError:
            if again == TRIES - 1:  # so many times a code that exists: something else is wrong
                raise
    raise AssertionError("unreachable")


def issue_words(*, batch: CouponBatch, text: str, now: dt.datetime, by: User | None = None) -> Coupon:
    """Issue a code for many, in words that the shop chooses, such as SUMMER, and return it; the same again returns the same.

    It is used as often as the batch allows for one coupon. Raises codes.InvalidWords, CodeTaken, BatchNotActive and
    BatchLimitReached.
    """
    words = codes.words(text)
    code = codes.compact(words)
    source = f"words:{code}"
    try:
        if earlier := _issued(source, batch, None):
            return earlier
        return _issue(batch, None, source, code, now, by, text=words)
    except (SourceConflict, IntegrityError) as error:
        raise CodeTaken(text=words) from error


def issue_many(
    *,
    batch: CouponBatch,
    customers: QuerySet[Customer],
    source: str,
    now: dt.datetime,
    by: User | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Issue one coupon to each of many customers and return how many are new.

    The source of each is `<source>:<customer id>`; whoever has it already is passed over, so an interrupted run is resumed by
    running it again. Each chunk is a transaction of its own, after which `progress(done, total)` is called. Raises
    BatchNotActive, and BatchLimitReached once the limit is filled.
    """
    ids = array("q", customers.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=CHUNK))
    issued = 0
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        new, is_full = _issue_to_new(batch, [(f"{source}:{pk}", pk) for pk in chunk], now, by)
        issued += new
        if is_full:
            raise BatchLimitReached(batch=batch, issued=issued)
        if progress is not None:
            progress(start + len(chunk), len(ids))
    return issued


def validity(batch: CouponBatch, now: dt.datetime) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return start and end of a coupon issued at an instant.

    Valid days are counted from the issue (from the batch's start when that comes later) to the end of the last one in the
    programme's time zone, and never beyond the batch's end.
    """
    if batch.valid_days is None:
        return batch.starts_at, batch.ends_at
    first = programme_date(max(now, batch.starts_at or now))
    last = start_of_day(first + dt.timedelta(days=batch.valid_days + 1))
    return batch.starts_at, min(last, batch.ends_at or last)


def code_of(coupon: Coupon) -> str:
    """Return the code as its holder reads it; for the holder's eyes only, never for a list or a log."""
    if coupon.text:
        return coupon.text
    code = codes.unseal(coupon.code_sealed)
    return codes.display(code, coupon.batch.prefix if codes.is_valid(code) else "")


def find(code: str) -> Coupon | None:
    """Return the coupon of a typed or scanned code, with or without its prefix; None when there is none."""
    try:
        text = codes.compact(code)
    except codes.InvalidCode:
        return None
    symbols = text[-codes.LENGTH :]
    whole = codes.seal(text) if codes.is_free(text) else b""
    behind = codes.seal(symbols) if codes.is_valid(symbols) and symbols != text else b""
    if not (whole or behind):
        return None
    found = coupon_rows.find(seals=(whole, behind))
    coupon = found.get(whole)
    if coupon is None and (prefixed := found.get(behind)):
        prefix = codes.compact(prefixed.batch.prefix)
        coupon = prefixed if prefix == text[: -codes.LENGTH] else None
    return coupon


def void(*, coupon: Coupon, reason: str, now: dt.datetime, by: User | None = None) -> Coupon:
    """Cancel a live coupon for good and return it. Raises CouponRefused when it is used up, expired or voided already."""
    with transaction.atomic():
        changed = Coupon.objects.live(now).filter(pk=coupon.pk).update(
            state=Coupon.State.VOIDED, voided_at=now, voided_by=by, void_reason=reason, reserved_until=None,
        reservation_key="",
        )  # fmt: skip
        if changed:
            CouponHold.objects.filter(coupon=coupon).delete()
            announcements.coupon_voided(coupon, at=now)
    return _changed(coupon, changed, now)


def hide(*, coupon: Coupon, now: dt.datetime) -> Coupon:
    """Put an active coupon away for its customer and return it. Raises CouponRefused in every other state."""
    with transaction.atomic():
        changed = Coupon.objects.filter(free(now), pk=coupon.pk).update(
            state=Coupon.State.HIDDEN, reserved_until=None, reservation_key=""
        )
        if changed:
            note(coupon=coupon, kind=CouponEvent.Kind.HIDDEN, now=now)
    return _changed(coupon, changed, now)


def unhide(*, coupon: Coupon, now: dt.datetime) -> Coupon:
    """Take a coupon out again and return it. Raises CouponRefused when it was not put away."""
    with transaction.atomic():
        hidden = Coupon.objects.filter(pk=coupon.pk, state=Coupon.State.HIDDEN)
        changed = hidden.update(state=Coupon.State.ACTIVE)
        if changed:
            note(coupon=coupon, kind=CouponEvent.Kind.UNHIDDEN, now=now)
    return _changed(coupon, changed, now)


def see(*, coupon: Coupon, now: dt.datetime) -> None:
    """Note that its customer has opened a coupon, the first time that it happens."""
    if coupon.seen_at is None and Coupon.objects.filter(pk=coupon.pk, seen_at=None).update(seen_at=now):
        coupon.seen_at = now


def note(
    *,
    coupon: Coupon,
    kind: CouponEvent.Kind,
    now: dt.datetime,
    by: User | None = None,
    store: Store | None = None,
    text: str = "",
) -> None:
    """Write down what happened to a coupon."""
    CouponEvent.objects.create(
        batch_id=coupon.batch_id, coupon_id=coupon.pk, kind=kind, happened_at=now, by=by, store=store, note=text[:200]
    )


def free(now: dt.datetime) -> Q:
    """Select the coupons that are active by the clock: begun, not expired, not held or held only until earlier."""
    begun = Q(starts_at=None) | Q(starts_at__lte=now)
    lasting = Q(expires_at=None) | Q(expires_at__gt=now)
    lapsed = Q(state=Coupon.State.RESERVED, reserved_until__lte=now)
    return begun & lasting & (Q(state=Coupon.State.ACTIVE) | lapsed)


def _changed(coupon: Coupon, rows: int, now: dt.datetime) -> Coupon:
    coupon.refresh_from_db()
    if not rows:
        raise CouponRefused(REASON_OF_STATE.get(coupon.state_at(now), Reason.NOT_HIDDEN), coupon=coupon)
    return coupon


def _issued(source: str, batch: CouponBatch, customer_id: int | None) -> Coupon | None:
    coupon = Coupon.objects.select_related("batch").filter(source=source).first()
    if coupon is not None and (coupon.batch_id, coupon.customer_id) != (batch.pk, customer_id):
        raise SourceConflict(source=source)
    return coupon


@transaction.atomic
def _issue(
    batch: CouponBatch,
    customer: Customer | None,
    source: str,
    code: str,
    now: dt.datetime,
    by: User | None,
    text: str = "",
) -> Coupon:
    """Count and write one coupon under the batch's lock."""
    batch = _lock(batch, now)
    if earlier := _issued(source, batch, customer and customer.pk):
        return earlier
    count_issued(batch=batch, number=1)
    starts_at, expires_at = validity(batch, now)
    coupon = Coupon.objects.create(
        batch=batch, customer=customer, code_sealed=codes.seal(code), code_tail=codes.tail(code), source=source, text=text,
        uses_allowed=batch.uses_per_coupon, issued_at=now, starts_at=starts_at, expires_at=expires_at, by=by,
    )  # fmt: skip
    announcements.coupon_issued(coupon)
    return coupon


def room_of(*, batch: CouponBatch, now: dt.datetime) -> int | None:
    """Lock a batch and return how many coupons it may still issue, None without a limit. Raises BatchNotActive."""
    batch = _lock(batch, now)
    return None if batch.limit is None else batch.limit - batch.issued


def _lock(batch: CouponBatch, now: dt.datetime) -> CouponBatch:
    batch = CouponBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if batch.state != CouponBatch.State.ACTIVE or (batch.ends_at is not None and batch.ends_at <= now):
        raise BatchNotActive(batch=batch)
    return batch


def count_issued(*, batch: CouponBatch, number: int) -> None:
    """Count issued coupons, never past the limit. Raises BatchLimitReached."""
    rows = CouponBatch.objects.filter(Q(limit=None) | Q(issued__lte=F("limit") - number), pk=batch.pk)
    if not rows.update(issued=F("issued") + number):
        raise BatchLimitReached(batch=batch)


def issue_chunk(
    *, batch: CouponBatch, recipients: Sequence[tuple[str, int | None]], now: dt.datetime, by: User | None
) -> int:
    """Issue to sources with their customers, of whom none has a coupon yet, and return to how many the limit let it.

    In one transaction. Raises BatchNotActive, BatchLimitReached when the batch has none left at all, and IntegrityError
    when a source or, once in many thousand years, a code exists.
    """
    with transaction.atomic():
        batch = _lock(batch, now)
        granted = recipients if batch.limit is None else recipients[: max(0, batch.limit - batch.issued)]
        if not granted:
            raise BatchLimitReached(batch=batch)
        count_issued(batch=batch, number=len(granted))
        made = codes.generate(len(granted))
        # Sorted by what the largest index is sorted by: its pages are then filled in one sweep.
        sealed = sorted(zip(codes.seal_many(made), map(codes.tail, made), strict=True))
        insert(batch=batch, sealed=sealed, recipients=granted, now=now, by=by)
        announcements.coupons_issued(batch, count=len(granted), at=now)
    return len(granted)


def insert(
    *,
    batch: CouponBatch,
    sealed: Iterable[tuple[bytes, str]],
    recipients: Iterable[tuple[str, int | None]],
    now: dt.datetime,
    by: User | None,
) -> None:
    """Write coupons that are counted already: sealed codes with their tails, each for a source and its customer."""
    starts_at, expires_at = validity(batch, now)
    same = {
        "batch_id": batch.pk, "state": Coupon.State.ACTIVE.value, "uses": 0, "uses_allowed": batch.uses_per_coupon,
        "issued_at": now, "starts_at": starts_at, "expires_at": expires_at, "text": "", "reservation_key": "",
        "void_reason": "", "by_id": by and by.pk,
    }  # fmt: skip
    rows = (
        (code, tail, source, customer_id)
        for (code, tail), (source, customer_id) in zip(sealed, recipients, strict=True)
    )
    bulk.copy_in_alike(Coupon, same, ("code_sealed", "code_tail", "source", "customer_id"), rows)


def _issue_to_new(
    batch: CouponBatch, recipients: Sequence[tuple[str, int]], now: dt.datetime, by: User | None
) -> tuple[int, bool]:
    """Issue to those who have nothing yet; return how many that were, and whether the limit left somebody out."""
    with transaction.atomic():
        _lock(batch, now)
        known = set(
            Coupon.objects.filter(source__in=[source for source, _pk in recipients]).values_list("source", flat=True)
        )
        new = [recipient for recipient in recipients if recipient[0] not in known]
        if not new:
            return 0, False
        try:
            issued = issue_chunk(batch=batch, recipients=new, now=now, by=by)
        except BatchLimitReached:
            issued = 0
    return issued, issued < len(new)

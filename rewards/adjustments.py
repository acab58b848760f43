"""Points given, taken or brought back by hand: for a reason of a closed list, within one's limits, never on one's own card.

Above the limit it is a request, and another person decides. docs/points.md#points-by-hand has the figures.
"""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from customers import staff_mail
from customers.models import Customer, User
from rewards import ledger, point_letters, staff_limits
from rewards.models import AdjustmentRequest, PointTransaction
from rewards.models.adjustment import Reason
from rewards.models.points import Kind

__all__ = [
    "OwnCard", "Reason", "adjust", "approve", "bring_back", "change", "expired_lately", "lapse_due", "refuse",
    "refuse_own_card", "request",
]  # fmt: skip

DECIDE_WITHIN = dt.timedelta(hours=24)
State = AdjustmentRequest.State


class OwnCard(Exception):
    """Somebody tried to give something to their own customer card."""

    def __init__(self) -> None:
        super().__init__(_("Nobody works on their own card: please ask a colleague."))


class OwnRequest(Exception):
    """Somebody tried to approve what they asked for themselves."""

    def __init__(self, *, request: AdjustmentRequest) -> None:
        self.request = request
        super().__init__(_("You asked for this yourself: another person has to approve it."))


class RequestChanged(Exception):
    """The request is no longer what the approver saw; nothing was posted."""

    def __init__(self, *, request: AdjustmentRequest) -> None:
        self.request = request
        super().__init__(_("The request was changed in the meantime: please look at the new figures."))


class RequestClosed(Exception):
    """The request was decided before, or its time is over; nothing was changed."""

    def __init__(self, *, request: AdjustmentRequest) -> None:
        self.request = request
        super().__init__(
            _("Nobody decided within 24 hours: the request has lapsed.")
            if request.state in (State.PENDING, State.LAPSED)
            else _("This request is decided already.")
        )


def adjust(
    *,
    customer: Customer,
    points: int,
    reason: Reason,
    note: str,
    key: uuid.UUID,
    by: User,
    now: dt.datetime,
    staff_note: str = "",
) -> PointTransaction:
    """Give (above 0) or take (below 0) points and return the transaction; the same key posts once.

    `note` is for the customer, `staff_note` for colleagues. Raises OwnCard, staff_limits.AboveLimit,
    ledger.InsufficientPoints and ledger.SourceConflict.
    """
    refuse_own_card(customer, by)
    source = f"{staff_limits.DIRECT}{key}"
    with transaction.atomic():
        staff_limits.lock(by=by)
        if AdjustmentRequest.objects.filter(key=key).exists():
            raise ledger.SourceConflict(source=source)
        if not PointTransaction.objects.filter(source=source).exists():
            staff_limits.refuse_above(points=points, by=by, now=now)
        posted = ledger.adjust(
            customer=customer, points=points, source=source, occurred_at=now, reason=Reason(reason).value, by=by, note=note,
            explanation={"staff_note": staff_note} if staff_note else None,
        )  # fmt: skip
        point_letters.left(posted)
    return posted


def expired_lately(*, customer: Customer, now: dt.datetime, with_used: bool = False) -> QuerySet[PointTransaction]:
    """Return the expiries of a customer of the last 30 days, the newest first; by default those that are still untouched."""
    of_one = PointTransaction.objects.filter(customer=customer)
    since = now - dt.timedelta(days=ledger.REINSTATE_DAYS)
    found = of_one.filter(kind=Kind.EXPIRE, occurred_at__gte=since).order_by("-occurred_at", "-pk")
    used = of_one.filter(kind=Kind.REINSTATE, reverses=OuterRef("pk"))
    return found if with_used else found.exclude(Exists(used))


def bring_back(
    *, expired: PointTransaction, reason: Reason, note: str, by: User, now: dt.datetime, staff_note: str = ""
) -> PointTransaction:
    """Bring expired points back for 30 days, once per expiry, and return the transaction; it counts against the limits.

    Raises OwnCard, staff_limits.AboveLimit, ledger.TooLateToReinstate, and ledger.ReversalTooLarge when a part of them has
    settled a return since.
    """
    refuse_own_card(expired.customer, by)
    source = f"{staff_limits.BROUGHT_BACK}{expired.pk}"
    with transaction.atomic():
        staff_limits.lock(by=by)
        if not PointTransaction.objects.filter(source=source).exists():
            staff_limits.refuse_above(points=expired.points, by=by, now=now)
        return ledger.reinstate(
            expired=expired, source=source, occurred_at=now, reason=Reason(reason).value, by=by, note=note,
            explanation={"staff_note": staff_note} if staff_note else None,
        )  # fmt: skip


def request(
    *,
    customer: Customer,
    points: int,
    reason: Reason,
    note: str,
    key: uuid.UUID,
    by: User,
    now: dt.datetime,
    staff_note: str = "",
) -> AdjustmentRequest:
    """Ask another person for an adjustment and return the request; the same key asks once.

    Raises OwnCard, ledger.SourceConflict when the key means something else, and ValueError for 0 points.
    """
    refuse_own_card(customer, by)
    if not points:
        raise ValueError("an adjustment moves points")
    with transaction.atomic():
        staff_limits.lock(by=by)
        is_posted = PointTransaction.objects.filter(source=f"{staff_limits.DIRECT}{key}").exists()
        earlier = AdjustmentRequest.objects.filter(key=key).first()
        if is_posted or (
            earlier and (earlier.customer_id, earlier.points, earlier.by_id) != (customer.pk, points, by.pk)
        ):
            raise ledger.SourceConflict(source=f"{staff_limits.DIRECT}{key}")
        if earlier:
            return earlier
        row = AdjustmentRequest.objects.create(
            key=key, customer=customer, points=points, reason=Reason(reason).value, note=note, staff_note=staff_note,
            by=by, requested_at=now, expires_at=now + DECIDE_WITHIN,
        )  # fmt: skip
        _tell_approvers(row, now)
    return row


def change(
    *,
    request: AdjustmentRequest,
    points: int,
    reason: Reason,
    note: str,
    by: User,
    now: dt.datetime,
    staff_note: str = "",
) -> AdjustmentRequest:
    """Change one's own waiting request and return it: whoever was about to approve has to look again, within 24 hours.

    Raises RequestClosed, PermissionError when it is somebody else's, and ValueError for 0 points.
    """
    if request.by_id != by.pk:
        raise PermissionError("a request is changed by who made it")
    if not points:
        raise ValueError("an adjustment moves points")
    with transaction.atomic():
        row = _open(request, now)
        row.points, row.reason, row.note, row.staff_note = points, Reason(reason).value, note, staff_note
        row.version += 1
        row.expires_at = now + DECIDE_WITHIN
        row.save(update_fields=["points", "reason", "note", "staff_note", "version", "expires_at"])
    return row


def approve(*, request: AdjustmentRequest, version: int, by: User, now: dt.datetime) -> PointTransaction:
    """Post what somebody else asked for, once, and return the transaction; `version` is what the approver saw.

    Raises OwnRequest, OwnCard, RequestClosed, RequestChanged, and ledger.InsufficientPoints, which leaves the request open.
    """
    if request.by_id == by.pk:
        raise OwnRequest(request=request)
    refuse_own_card(request.customer, by)
    with transaction.atomic():
        row = _open(request, now)
        if row.version != version:
            raise RequestChanged(request=row)
        posted = ledger.adjust(
            customer=row.customer, points=row.points, source=row.source, occurred_at=now, reason=row.reason, by=row.by,
            note=row.note, explanation={"staff_note": row.staff_note, "approved_by": by.pk},
        )  # fmt: skip
        point_letters.left(posted)
        _decide(row, State.APPROVED, by, now)
    return posted


def refuse(*, request: AdjustmentRequest, answer: str, by: User, now: dt.datetime) -> AdjustmentRequest:
    """Close a request without posting and return it; who asked may take it back the same way. Raises RequestClosed."""
    with transaction.atomic():
        row = _open(request, now)
        row.answer = answer
        _decide(row, State.REFUSED, by, now)
    return row


def lapse_due(*, now: dt.datetime) -> int:
    """Close the requests on which nobody decided in time and return how many."""
    due = AdjustmentRequest.objects.filter(state=State.PENDING, expires_at__lte=now)
    return due.update(state=State.LAPSED, decided_at=now)


def refuse_own_card(customer: Customer, by: User) -> None:
    """Raise OwnCard when a member of staff is the customer."""
    if customer.user_id is not None and customer.user_id == by.pk:
        raise OwnCard


def _tell_approvers(row: AdjustmentRequest, now: dt.datetime) -> None:
    """Mail those who may decide, once per request: figures and the member number, nothing else about the person."""
    context = {
        "request": row.pk,
        "amount": row.points,
        "member_number": row.customer.member_number,
        "expires_at": row.expires_at.isoformat(),
    }
    readers = staff_mail.who_may("rewards.approve_adjustmentrequest", but=row.by)
    staff_mail.queue(kind="adjustment_waiting", source=str(row.pk), context=context, readers=readers, now=now)


def _open(request: AdjustmentRequest, now: dt.datetime) -> AdjustmentRequest:
    """Lock a request that can still be decided."""
    rows = AdjustmentRequest.objects.select_for_update(of=("self",)).select_related("customer", "by")
    row = rows.get(pk=request.pk)
    if not row.is_open_at(now):
        raise RequestClosed(request=row)
    return row


def _decide(row: AdjustmentRequest, state: State, by: User, now: dt.datetime) -> None:
    row.state, row.decided_by, row.decided_at = state, by, now
    row.save(update_fields=["state", "decided_by", "decided_at", "answer"])

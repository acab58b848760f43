"""Goods that come back: the return, and the points that go with it.

The kept part of the purchase is awarded again with the stored rule versions, so the result depends on what is finally
kept and not on how many returns it took.
"""

import datetime as dt
from collections.abc import Mapping

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from customers.models import Purchase, PurchaseLine, Return, ReturnLine, User
from rewards import announcements, consequences, ledger, lineage


class ReturnTooLarge(Exception):
    """More of a line would come back than was bought and kept; nothing was recorded."""

    def __init__(self, *, line: PurchaseLine, quantity: int, kept: int) -> None:
        self.line, self.quantity, self.kept = line, quantity, kept
        super().__init__(
            _("Line %(position)d: %(quantity)d cannot come back, the customer keeps %(kept)d.")
            % {"position": line.position, "quantity": quantity, "kept": kept}
        )


class ReturnConflict(Exception):
    """The return was recorded before with other contents; nothing was changed."""

    def __init__(self, *, reference: str) -> None:
        self.reference = reference
        super().__init__(_("Return %(reference)s was recorded before with other contents.") % {"reference": reference})


def refund(
    *,
    purchase: Purchase,
    reference: str,
    quantities: Mapping[int, int],
    occurred_at: dt.datetime,
    reason: str = "",
    returns_coupon: bool | None = None,
    by: User | None = None,
) -> Return:
    """Record goods that came back, by line position, with points, coupon and a mail to the customer; return the return.

    `returns_coupon` is the choice of staff where a partial return leaves less than the coupon's minimum. The same reference
    again returns the first return. Raises ReturnTooLarge, ReturnConflict, CouponChoiceNeeded, and ValueError when nothing
    or a line that was never sold would come back.
    """
    wanted = {position: quantity for position, quantity in quantities.items() if quantity}
    if not wanted or min(wanted.values()) < 0:
        raise ValueError("a return needs at least one line with a quantity above 0")
    with transaction.atomic():
        # The customer's lock orders two returns of one purchase; a guest's purchase row does the same. Points of before a
        # merge are in the books of both records: all locks at once, in order, for `merging.carry_over` takes both as well.
        if purchase.customer_id is not None:
            ledger.lock(customer_ids=lineage.family_of(purchase.customer_id))
        else:
            Purchase.objects.select_for_update().get(pk=purchase.pk)
        if earlier := _recorded(purchase, reference, wanted):
            return earlier
        row = _record(purchase, reference, wanted, occurred_at, reason, by)
        consequences.follow(purchase=purchase, row=row, returns_coupon=returns_coupon, by=by)
        announcements.purchase_returned(row)
    return row


def _recorded(purchase: Purchase, reference: str, wanted: Mapping[int, int]) -> Return | None:
    earlier = Return.objects.filter(purchase=purchase, reference=reference).first()
    if earlier is not None:
        lines = dict(earlier.lines.values_list("line__position", "quantity"))
        if lines != wanted:
            raise ReturnConflict(reference=reference)
    return earlier


def _record(
    purchase: Purchase,
    reference: str,
    wanted: Mapping[int, int],
    occurred_at: dt.datetime,
    reason: str,
    by: User | None,
) -> Return:
    lines = {
        line.position: line
        for line in purchase.lines.annotate(
            back=Sum("returns__quantity", default=0), back_total=Sum("returns__total", default=0)
        )
    }
    rows = []
    for position, quantity in sorted(wanted.items()):
        if (line := lines.get(position)) is None:
            raise ValueError(f"there is no line {position} on receipt {purchase.reference}")
        kept = line.quantity - line.back
        if quantity > kept:
            raise ReturnTooLarge(line=line, quantity=quantity, kept=kept)
        # Cumulative, so that partial returns of one line add up to the line exactly.
        value = line.total * (line.back + quantity) // line.quantity - line.back_total
        rows.append(ReturnLine(line=line, quantity=quantity, total=value))
    row = Return.objects.create(
        purchase=purchase,
        reference=reference,
        occurred_at=occurred_at,
        reason=reason,
        by=by,
        total=sum(line.total for line in rows),
    )
    row.is_new = True
    for line in rows:
        line.return_of = row
    ReturnLine.objects.bulk_create(rows)
    return row

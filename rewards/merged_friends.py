"""Friends who were brought, when two records become one: whose link, whose gift, and what nobody gets any more.

A person is brought once, and brings nobody who is themselves: what was to be given between the two records is refused.
"""

import datetime as dt
from typing import Any

from customers.models import CustomerMerge
from rewards.models import Referral, ReferralCode

OPEN = (Referral.State.WAITING, Referral.State.HELD)


def move(merge: CustomerMerge) -> dict[str, Any]:
    """Move the friends, who brought the person, and the code where the kept record has none; return what an undo needs."""
    kept, duplicate = merge.kept_id, merge.duplicate_id
    refused = _refuse_between(merge)
    brought = list(
        Referral.objects.filter(customer=duplicate).exclude(friend=kept).order_by("pk").values_list("pk", flat=True)
    )
    Referral.objects.filter(pk__in=brought).update(customer=kept)
    came = None
    if not Referral.objects.filter(friend=kept).exists():
        came = Referral.objects.filter(friend=duplicate).exclude(customer=kept).values_list("pk", flat=True).first()
        Referral.objects.filter(pk=came).update(friend=kept)
    # A second code stays where it is: `referrals.member_of` follows it to the record that is left.
    code = None
    if not ReferralCode.objects.filter(customer=kept).exists():
        code = ReferralCode.objects.filter(customer=duplicate).values_list("pk", flat=True).first()
        ReferralCode.objects.filter(pk=code).update(customer=kept)
    return {"refused": refused, "brought": brought, "came": came, "code": code}


def undo(merge: CustomerMerge, moved: dict[str, Any]) -> None:
    """Bring home what moved, and open again what was refused because of the merge."""
    kept, duplicate = merge.kept_id, merge.duplicate_id
    Referral.objects.filter(pk__in=moved["brought"], customer=kept).exclude(friend=duplicate).update(customer=duplicate)
    Referral.objects.filter(pk=moved["came"], friend=kept).exclude(customer=duplicate).update(friend=duplicate)
    ReferralCode.objects.filter(pk=moved["code"], customer=kept).update(customer=duplicate)
    for pk, state, by_id, at in moved["refused"]:
        refused = Referral.objects.filter(pk=pk, state=Referral.State.REFUSED, decided_at=merge.merged_at)
        refused.update(state=state, decided_by=by_id, decided_at=at and dt.datetime.fromisoformat(at))


def _refuse_between(merge: CustomerMerge) -> list[list[Any]]:
    two = [merge.kept_id, merge.duplicate_id]
    found = []
    for row in Referral.objects.filter(customer__in=two, friend__in=two, state__in=OPEN).order_by("pk"):
        found.append([row.pk, row.state, row.decided_by_id, row.decided_at and row.decided_at.isoformat()])
        Referral.objects.filter(pk=row.pk).update(
            state=Referral.State.REFUSED, decided_by=merge.by_id, decided_at=merge.merged_at
        )
    return found

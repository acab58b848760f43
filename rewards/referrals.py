"""Members bring friends: who came through whose link, and what both get.

The friend's gift comes at joining, the member's after the friend's first kept purchase can no longer be brought back. What looks
like one person in two roles is held until staff have looked. All gifts of one member's friends are bounded by the most that
the offer allows in 365 days, whoever they are. docs/rewards.md#bringing-friends explains it.
"""

import datetime as dt
import logging
from itertools import batched

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.models import Customer, User
from rewards import codes, coupons, ledger, referral_doubts
from rewards.adjustments import refuse_own_card
from rewards.dates import end_of_month_after
from rewards.models import Referral, ReferralCode, ReferralOffer
from rewards.referral_purchases import first_kept

logger = logging.getLogger(__name__)

State = Referral.State
YEAR = dt.timedelta(days=365)
AT_ONCE = 200
CODE_LENGTH = 8
COUNTED = (State.WAITING, State.HELD, State.GIVEN)


class AlreadyDecided(Exception):
    """Somebody has decided about this referral before; nothing was changed."""

    def __init__(self, *, referral: Referral) -> None:
        self.referral = referral
        super().__init__(_("This is decided already."))


def offer_in_force() -> ReferralOffer | None:
    """Return the offer of today, None when friends bring nothing."""
    return ReferralOffer.objects.filter(is_active=True).select_related("friend_batch", "advocate_batch").first()


def code_of(*, customer: Customer, device: str, now: dt.datetime) -> ReferralCode:
    """Return a member's code, made at the first call; `device` is what referral_doubts.device_digest gives."""
    found = ReferralCode.objects.filter(customer=customer).first()
    while found is None:
        code = codes.generate(1)[0][:CODE_LENGTH]
        try:
            with transaction.atomic():
                found, _is_new = ReferralCode.objects.get_or_create(
                    customer=customer, defaults={"code": code, "device_digest": device, "created_at": now}
                )
        except IntegrityError:
            continue  # the code exists: another one
    return found


def member_of(code: str) -> Customer | None:
    """Return the member behind a typed or followed code, None when there is none who takes part."""
    try:
        compact = codes.compact(code)
    except codes.InvalidCode:
        return None
    owner = (
        Customer.objects.filter(referral_code__code=compact).select_related("merged_into").first() if compact else None
    )
    member = owner and owner.survivor
    return None if member is None or member.erased_at else member


def note(*, friend: Customer, code: str, email: str, device: str, now: dt.datetime) -> Referral | None:
    """Write down who brought a new customer, give the friend's gift, and return the row; None when the code or no offer holds.

    `email` is the address that was just verified. Call it in the transaction in which the friend is enrolled.
    """
    offer, member = offer_in_force(), member_of(code)
    if offer is None or member is None or member.pk == friend.pk:
        return None
    with transaction.atomic():
        # Many friends at once: each waits here and then counts those before.
        Customer.objects.select_for_update(no_key=True).get(pk=member.pk)
        address = referral_doubts.address_digest(email)
        found = referral_doubts.doubts(member=member, friend=friend, address=address, device=device, now=now)
        state = State.HELD if found else State.WAITING
        brought = Referral.objects.filter(customer=member, joined_at__gt=now - YEAR, state__in=COUNTED)
        if brought.count() >= offer.most_a_year:
            state = State.CAPPED
        row = Referral.objects.create(
            offer=offer, customer=member, friend=friend, state=state, doubts=found, address_digest=address,
            device_digest=device, joined_at=now,
        )  # fmt: skip
    if state == State.WAITING:
        _give_friend(row, now)
    return row


def give_due(*, now: dt.datetime) -> int:
    """Give what is due and return how many members got their gift; again gives nothing twice.

    Friends whose gift could not be given at joining (the coupon had run out) get it now, too.
    """
    for group in batched(_friends_waiting(), AT_ONCE, strict=False):
        for row in Referral.objects.filter(pk__in=group).select_related("offer__friend_batch", "friend"):
            _give_friend(row, now)
    given = 0
    for offer in ReferralOffer.objects.filter(referrals__state=State.WAITING).distinct().order_by("pk"):
        for group in batched(first_kept(offer=offer, now=now), AT_ONCE, strict=False):
            given += _give_members(offer, dict(group), now)
    return given


def approve(*, referral: Referral, by: User, now: dt.datetime) -> Referral:
    """Let a held referral through: the friend gets their gift now, the member after the purchase. Raises AlreadyDecided, OwnCard."""
    with transaction.atomic():
        row = _decide(referral, State.WAITING, by, now)
        _give_friend(row, now)
    row.refresh_from_db()
    return row


def refuse(*, referral: Referral, by: User, now: dt.datetime) -> Referral:
    """Close a held referral without gifts. Raises AlreadyDecided, OwnCard."""
    with transaction.atomic():
        return _decide(referral, State.REFUSED, by, now)


def _decide(referral: Referral, state: State, by: User, now: dt.datetime) -> Referral:
    for customer in (referral.customer, referral.friend):
        refuse_own_card(customer, by)
    held = Referral.objects.filter(pk=referral.pk, state=State.HELD)
    if not held.update(state=state, decided_by=by, decided_at=now):
        raise AlreadyDecided(referral=referral)
    return Referral.objects.select_related("offer", "customer", "friend").get(pk=referral.pk)


def _friends_waiting() -> list[int]:
    waiting = Referral.objects.filter(state__in=[State.WAITING, State.GIVEN], friend_given_at=None)
    taking_part = waiting.filter(friend__erased_at=None, friend__merged_into=None)
    return list(taking_part.order_by("pk").values_list("pk", flat=True))


def _give_friend(row: Referral, now: dt.datetime) -> None:
    """Give the friend's gift once; without a coupon to give it waits for the next night."""
    offer = row.offer
    try:
        with transaction.atomic():
            if not Referral.objects.filter(pk=row.pk, friend_given_at=None).update(friend_given_at=now):
                return
            if offer.friend_points:
                ledger.earn_many([_award(offer, offer.friend_points, row.friend_id, f"referred:{row.pk}", now)])
            if offer.friend_batch_id:
                coupons.issue(
                    batch=offer.friend_batch, customer=row.friend, source=f"referral:{row.pk}:friend", now=now
                )
    except (coupons.BatchNotActive, coupons.BatchLimitReached):
        logger.warning("Referral %s: the friend's coupon cannot be issued yet", row.pk)


def _give_members(offer: ReferralOffer, purchases: dict[int, int], now: dt.datetime) -> int:
    """Give the members of some referrals (key -> the friend's purchase) what the offer says, all in one transaction."""
    rows = list(Referral.objects.filter(pk__in=purchases).select_related("customer").order_by("pk"))
    try:
        with transaction.atomic():
            ledger.lock(customer_ids=sorted({row.customer_id for row in rows}))
            rows = [row for row in rows if _mark_given(row, purchases[row.pk], now)]
            if offer.advocate_points:
                ledger.earn_many(
                    [_award(offer, offer.advocate_points, row.customer_id, f"referral:{row.pk}", now) for row in rows]
                )
            if offer.advocate_batch_id:
                for row in rows:
                    coupons.issue(
                        batch=offer.advocate_batch, customer=row.customer, source=f"referral:{row.pk}:member", now=now
                    )
    except (coupons.BatchNotActive, coupons.BatchLimitReached):
        logger.warning("Offer %s for friends: coupons for members cannot be issued yet", offer.pk)
        return 0
    return len(rows)


def _mark_given(row: Referral, purchase_id: int, now: dt.datetime) -> bool:
    """Take one row out of those that wait; look once more at what can only be seen later."""
    waiting = Referral.objects.filter(pk=row.pk, state=State.WAITING)
    if row.decided_at is None and referral_doubts.have_one_phone(row.customer_id, row.friend_id):
        # The friend's gift was given by then and stays; the member's waits for somebody to look.
        waiting.update(state=State.HELD, doubts=[*row.doubts, Referral.Doubt.OWN_PHONE])
        return False
    return bool(waiting.update(state=State.GIVEN, given_at=now, purchase_id=purchase_id))


def _award(offer: ReferralOffer, points: int, customer_id: int, source: str, now: dt.datetime) -> ledger.Award:
    return ledger.Award(
        customer_id=customer_id, points=points, source=source, occurred_at=now,
        expires_at=end_of_month_after(now, offer.expiry_months),
    )  # fmt: skip

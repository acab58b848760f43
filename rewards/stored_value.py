"""The only writer of the money on gift cards and store credit.

Every function takes the stable key of its cause (`source`) and moves money once, for ever: the same cause again returns the
first movement, the same key with another meaning raises ledger.SourceConflict. Amounts are in the minor unit of the
programme's currency. What the shop gave is spent before what was paid in, and comes back after it; docs/stored_value.md
works through the numbers. Lock order everywhere: customer, lots, reward, coupon batch, coupon, then these accounts.
"""

import datetime as dt
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, Sum

from customers.models import Customer, Purchase, Store, User
from rewards import codes, staff_limits, value_limits
from rewards.adjustments import Reason as StaffReason
from rewards.adjustments import refuse_own_card
from rewards.ledger import ReversalTooLarge
from rewards.models import ValueAccount, ValueMovement
from rewards.value_accounts import Reason, ValueRefused, credit_of, find_by_code, refusal
from rewards.value_postings import Move, lock, post, posted, split

__all__ = ["Reason", "ValueRefused", "find_by_code"]

Kind = ValueMovement.Kind
BY_HAND = "value:hand:"
RESTORED_DAYS = 30
EXPIRED_AT_ONCE = 500


def most_on_a_card() -> int:
    """Return how much one card or credit may hold, in the minor unit (GIFT_CARD_MOST)."""
    return settings.GIFT_CARD_MOST * 10**settings.PROGRAMME_CURRENCY_DIGITS


def sell(
    *,
    amount: int,
    source: str,
    occurred_at: dt.datetime,
    promotional: int = 0,
    customer: Customer | None = None,
    expires_at: dt.datetime | None = None,
    store: Store | None = None,
    by: User | None = None,
    note: str = "",
) -> ValueMovement:
    """Sell a new gift card once per source and return its first movement; value_accounts.code_of shows its code.

    The sale earns no points: what is bought with the card does. `promotional` is what the shop puts on top. With a
    customer it is theirs alone from the start. Raises ValueRefused (too_much), SourceConflict, and what `grant` raises for
    staff who put more on top than they may.
    """
    move = Move(
        kind=Kind.SOLD, source=source, occurred_at=occurred_at, paid=_positive(amount), promotional=promotional,
        store=store, by=by, note=note,
    )  # fmt: skip
    if earlier := posted(move):
        return earlier
    _refuse_too_much(0, move)
    code = codes.generate(1)[0]
    try:
        with transaction.atomic():
            _refuse_staff(customer, move)
            account = ValueAccount.objects.create(
                kind=ValueAccount.Kind.GIFT_CARD, customer=customer, code_sealed=codes.seal(code),
                code_tail=codes.tail(code), opened_at=occurred_at, expires_at=expires_at, by=by,
                claimed_at=occurred_at if customer else None,
            )  # fmt: skip
            return post(account, move)
    except IntegrityError:
        # The same request may have been served by another process meanwhile.
        if earlier := posted(move):
            return earlier
        raise


def top_up(
    *,
    account: ValueAccount,
    amount: int,
    source: str,
    occurred_at: dt.datetime,
    promotional: int = 0,
    store: Store | None = None,
    by: User | None = None,
    note: str = "",
) -> ValueMovement:
    """Put paid money on a gift card or store credit, once per source, and return the movement.

    Raises ValueRefused (blocked, expired, too_much) and SourceConflict.
    """
    move = Move(
        kind=Kind.TOPPED_UP, source=source, occurred_at=occurred_at, paid=_positive(amount), promotional=promotional,
        store=store, by=by, note=note,
    )  # fmt: skip
    return _put_on(account, move)


def grant(
    *,
    account: ValueAccount,
    amount: int,
    reason: StaffReason,
    key: str,
    by: User,
    now: dt.datetime,
    note: str = "",
    store: Store | None = None,
) -> ValueMovement:
    """Give money (above 0) or take it (below 0) by hand, once per key, and return the movement; nobody paid for it.

    What is taken comes off the given money first. Raises adjustments.OwnCard, value_limits.AboveValueLimit,
    ValueRefused (blocked, expired, too_much, not_enough) and SourceConflict.
    """
    if not amount:
        raise ValueError("a grant moves money")
    move = Move(
        kind=Kind.GRANTED if amount > 0 else Kind.ADJUSTED, source=f"{BY_HAND}{key}", occurred_at=now,
        promotional=amount, reason=StaffReason(reason).value, note=note, store=store, by=by,
    )  # fmt: skip
    if amount > 0:
        return _put_on(account, move)
    with transaction.atomic():
        staff_limits.lock(by=by)
        if earlier := posted(move, account):
            return earlier
        _refuse_staff(account.customer, move)
        account = lock(account)
        if reason := refusal(account, customer=account.customer, amount=-amount, now=now):
            raise ValueRefused(reason, account=account)
        return post(account, split(move, account))


def spend(
    *,
    account: ValueAccount,
    amount: int,
    source: str,
    occurred_at: dt.datetime,
    customer: Customer | None = None,
    purchase: Purchase | None = None,
    store: Store | None = None,
    by: User | None = None,
) -> ValueMovement:
    """Pay with a gift card or store credit once per source, all or nothing, and return the movement.

    Given money goes first. Raises ValueRefused (blocked, expired, customer_needed, other_customer, not_enough) and
    SourceConflict.
    """
    move = Move(
        kind=Kind.SPENT, source=source, occurred_at=occurred_at, promotional=-_positive(amount), purchase=purchase,
        store=store, by=by,
    )  # fmt: skip
    if earlier := posted(move, account):
        return earlier
    with transaction.atomic():
        account = lock(account)
        if earlier := posted(move, account):
            return earlier
        if reason := refusal(account, customer=customer, amount=amount, now=occurred_at):
            raise ValueRefused(reason, account=account)
        return post(account, split(move, account))


def refund(
    *,
    spent: ValueMovement,
    amount: int,
    source: str,
    occurred_at: dt.datetime,
    store: Store | None = None,
    by: User | None = None,
) -> ValueMovement:
    """Give back what was spent, in whole or in part, to where it came from, once per source; return the movement.

    Paid money, which was spent last, comes back first. A blocked card gets it, too; one that has expired meanwhile lives
    for another 30 days. Raises ledger.ReversalTooLarge when more would come back than was spent, and SourceConflict.
    """
    if spent.kind != Kind.SPENT:
        raise ValueError("only what was spent is given back")
    move = Move(
        kind=Kind.REFUNDED, source=source, occurred_at=occurred_at, promotional=_positive(amount), reverses=spent,
        purchase=spent.purchase, store=store, by=by,
    )  # fmt: skip
    if earlier := posted(move, spent.account):
        return earlier
    with transaction.atomic():
        account = lock(spent.account)
        if earlier := posted(move, account):
            return earlier
        back = given_back(spent)
        if amount > -spent.amount - back.amount:
            raise ReversalTooLarge(points=amount, left=-spent.amount - back.amount)
        paid = min(amount, -spent.paid - back.paid)
        if account.is_expired(occurred_at):
            account.expires_at = occurred_at + dt.timedelta(days=RESTORED_DAYS)
        return post(account, replace(move, paid=paid, promotional=amount - paid))


def take_back(
    *,
    movement: ValueMovement,
    source: str,
    occurred_at: dt.datetime,
    store: Store | None = None,
    by: User | None = None,
) -> ValueMovement:
    """Undo a sale, a top-up or a grant as a whole, once, and return the movement; the till gives the money back.

    Raises ValueRefused (already_used) when some of it was spent, ReversalTooLarge when it was undone before, SourceConflict.
    """
    if movement.kind not in (Kind.SOLD, Kind.TOPPED_UP, Kind.GRANTED):
        raise ValueError("only what was put on is taken back")
    move = Move(
        kind=Kind.REVERSED, source=source, occurred_at=occurred_at, paid=-movement.paid, reverses=movement,
        promotional=-movement.promotional, store=store, by=by,
    )  # fmt: skip
    with transaction.atomic():
        account = lock(movement.account)
        if earlier := posted(move, account):
            return earlier
        if movement.reversals.exists():
            raise ReversalTooLarge(points=movement.amount, left=0)
        if account.paid < movement.paid or account.promotional < movement.promotional:
            raise ValueRefused(Reason.ALREADY_USED, account=account)
        return post(account, move)


def expire_due(*, now: dt.datetime) -> int:
    """Take what is left off the accounts whose end is reached, and return how many; a second run changes nothing."""
    left = Q(paid__gt=0) | Q(promotional__gt=0)
    done = 0
    while keys := list(
        ValueAccount.objects.filter(left, expires_at__lte=now)
        .order_by("pk")
        .values_list("pk", flat=True)[:EXPIRED_AT_ONCE]
    ):
        for pk in keys:
            with transaction.atomic():
                account = ValueAccount.objects.select_for_update().get(pk=pk)
                if not account.balance or not account.is_expired(now):
                    continue
                source = f"value:expired:{pk}:{account.sequence + 1}"
                post(
                    account,
                    Move(
                        kind=Kind.EXPIRED,
                        source=source,
                        occurred_at=account.expires_at,
                        paid=-account.paid,
                        promotional=-account.promotional,
                    ),
                )
                done += 1
    return done


def write_off(*, account: ValueAccount, reason: str, by: User | None, now: dt.datetime) -> ValueMovement | None:
    """Take everything off an account whose owner is erased, and return the movement; None when nothing is left."""
    with transaction.atomic():
        account = lock(account)
        if not account.balance:
            return None
        move = Move(
            kind=Kind.ADJUSTED, source=f"value:{reason}:{account.pk}:{account.sequence + 1}", occurred_at=now,
            paid=-account.paid, promotional=-account.promotional, by=by, reason=reason,
        )  # fmt: skip
        return post(account, move)


def hand_over(
    *,
    account: ValueAccount,
    receiver: Customer,
    source: str,
    by: User | None,
    now: dt.datetime,
    most: list[int] | None = None,
) -> ValueMovement | None:
    """Move store credit to another customer, paid and given apart, and return what left; None when nothing is there.

    `most` is how much of each may go. Accounts are locked in the order of their keys.
    """
    with transaction.atomic():
        other = credit_of(customer=receiver, now=now)
        locked = {pk: lock(ValueAccount(pk=pk)) for pk in sorted({account.pk, other.pk})}
        account, other = locked[account.pk], locked[other.pk]
        paid, given = account.paid, account.promotional
        if most is not None:
            paid, given = min(paid, most[0]), min(given, most[1])
        if not paid + given:
            return None
        left = Move(
            kind=Kind.ADJUSTED, source=f"value:{source}:out", occurred_at=now, paid=-paid, promotional=-given, by=by,
            reason="merge",
        )  # fmt: skip
        row = post(account, left)
        came = replace(left, paid=paid, promotional=given)
        post(other, replace(came, source=f"value:{source}:in"))
        return row


@dataclass(frozen=True, slots=True)
class Back:
    """How much of a payment has come back."""

    paid: int
    promotional: int

    @property
    def amount(self) -> int:
        """Both together."""
        return self.paid + self.promotional


def given_back(spent: ValueMovement) -> Back:
    """Return how much of a payment has come back; certain only under the account's lock."""
    sums = spent.reversals.aggregate(paid=Sum("paid", default=0), promotional=Sum("promotional", default=0))
    return Back(sums["paid"], sums["promotional"])


def _put_on(account: ValueAccount, move: Move) -> ValueMovement:
    if earlier := posted(move, account):
        return earlier
    with transaction.atomic():
        if move.by is not None:
            staff_limits.lock(by=move.by)
        if earlier := posted(move, account):
            return earlier
        _refuse_staff(account.customer, move)
        account = lock(account)
        if earlier := posted(move, account):
            return earlier
        if reason := refusal(account, customer=account.customer, amount=0, now=move.occurred_at):
            raise ValueRefused(reason, account=account)
        _refuse_too_much(account.balance, move)
        return post(account, move)


def _refuse_staff(customer: Customer | None, move: Move) -> None:
    """Refuse a person's own card, and more than the person may give away; inside the transaction that books it."""
    if move.by is None:
        return
    if customer is not None:
        refuse_own_card(customer, move.by)
    if given := value_limits.given(kind=move.kind, paid=move.paid, promotional=move.promotional):
        staff_limits.lock(by=move.by)
        value_limits.refuse_above(amount=given, by=move.by, now=move.occurred_at)


def _refuse_too_much(balance: int, move: Move) -> None:
    if move.promotional < 0:
        raise ValueError("what the shop puts on top is 0 or more")
    if balance + move.paid + move.promotional > most_on_a_card():
        raise ValueRefused(Reason.TOO_MUCH)


def _positive(amount: int) -> int:
    if amount < 1:
        raise ValueError(f"an amount must be 1 or more, not {amount}")
    return amount

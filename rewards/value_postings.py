"""How a movement of money is booked on a gift card or store credit; `rewards.stored_value` decides what may happen.

A function here writes one movement, its seal and the account's copy of the sums, or reads what was written before.
"""

import datetime as dt
from dataclasses import dataclass, replace

from django.utils import timezone

from customers.models import Purchase, Store, User
from rewards import chain
from rewards.ledger import SourceConflict
from rewards.models import ValueAccount, ValueMovement

Kind = ValueMovement.Kind

# The columns under the seal, in order; the proof reads exactly these.
SEALED = (
    "account_id",
    "sequence",
    "kind",
    "paid",
    "promotional",
    "paid_after",
    "source",
    "occurred_at",
    "recorded_at",
    "promotional_after",
    "reverses_id",
    "purchase_id",
    "store_id",
    "by_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What is to be booked, and why."""

    kind: Kind
    source: str
    occurred_at: dt.datetime
    paid: int = 0
    promotional: int = 0
    reverses: ValueMovement | None = None
    purchase: Purchase | None = None
    store: Store | None = None
    by: User | None = None
    reason: str = ""
    note: str = ""


def lock(account: ValueAccount) -> ValueAccount:
    """Lock an account for the rest of the caller's transaction and return it as it stands."""
    return ValueAccount.objects.select_for_update(of=("self",)).select_related("customer").get(pk=account.pk)


def seal(previous: str, values: tuple, key_number: int) -> str:
    """Return the seal of a movement; `values` are those of SEALED. The chain is apart from that of the points."""
    return chain.seal(f"value:{previous}", values, key_number)


def post(account: ValueAccount, move: Move) -> ValueMovement:
    """Write a movement and the account's copy of the sums; the account is locked or new."""
    account.paid += move.paid
    account.promotional += move.promotional
    account.sequence += 1
    row = ValueMovement(
        account=account, sequence=account.sequence, kind=move.kind.value, paid=move.paid, promotional=move.promotional,
        paid_after=account.paid, promotional_after=account.promotional, source=move.source, reverses=move.reverses,
        purchase=move.purchase, store=move.store, by=move.by, reason=move.reason, note=move.note,
        occurred_at=move.occurred_at, recorded_at=timezone.now(), key_number=chain.signing_key_number(),
    )  # fmt: skip
    row.mac = seal(account.mac, tuple(getattr(row, name) for name in SEALED), row.key_number)
    row.save(force_insert=True)
    account.mac = row.mac
    account.save(update_fields=["paid", "promotional", "sequence", "mac", "expires_at"])
    return row


def split(move: Move, account: ValueAccount) -> Move:
    """Take an amount (below 0) off what was given first, then off what was paid."""
    given = min(-move.promotional, account.promotional)
    return replace(move, paid=move.promotional + given, promotional=-given)


def posted(move: Move, account: ValueAccount | None = None) -> ValueMovement | None:
    """Return what the cause has moved already, None at the first time; refuse another meaning of the same key."""
    earlier = ValueMovement.objects.select_related("account", "purchase").filter(source=move.source).first()
    if earlier is None:
        return None
    meant = (
        move.kind,
        move.paid + move.promotional,
        move.reverses and move.reverses.pk,
        move.purchase and move.purchase.pk,
    )
    is_other = (earlier.kind, earlier.amount, earlier.reverses_id, earlier.purchase_id) != meant
    if is_other or (account is not None and earlier.account_id != account.pk):
        raise SourceConflict(source=move.source)
    return earlier

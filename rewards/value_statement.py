"""Gift cards and store credit in words: what is on them, whether they can be spent, and what each movement was."""

import datetime as dt
from dataclasses import dataclass
from typing import Self

from django.utils.translation import gettext as _

from customers.templatetags.loyalty import last_moment, money, near_day
from rewards.models import ValueAccount, ValueMovement

Kind = ValueMovement.Kind
_LOOK = {
    Kind.SOLD: ("gift", "good"),
    Kind.TOPPED_UP: ("plus", "good"),
    Kind.GRANTED: ("heart", "good"),
    Kind.SPENT: ("bag", ""),
    Kind.REFUNDED: ("undo", "good"),
    Kind.REVERSED: ("undo", "bad"),
    Kind.EXPIRED: ("hourglass", "bad"),
    Kind.ADJUSTED: ("cog", "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """One gift card, or the store credit, as its owner sees it."""

    account: ValueAccount
    state: str
    name: str
    validity: str

    @classmethod
    def of(cls, account: ValueAccount, *, now: dt.datetime) -> Self:
        """Read an account at an instant."""
        state = account.state if account.state == ValueAccount.State.BLOCKED else "active"
        if state == "active" and account.is_expired(now):
            state = "expired"
        name = _("Store credit") if account.kind == ValueAccount.Kind.STORE_CREDIT else _("Gift card")
        return cls(account=account, state=state, name=name, validity=_validity(account, state, now))

    @property
    def is_usable(self) -> bool:
        """Whether a till would take it, with something on it or not."""
        return self.state == "active"

    @property
    def spendable(self) -> int:
        """What can be spent now."""
        return self.account.balance if self.is_usable else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One movement as a person reads it."""

    sequence: int
    occurred_at: dt.datetime
    icon: str
    tone: str
    what: str
    why: str
    amount: str
    is_gain: bool
    balance: int
    purchase_id: int | None


def page_of(*, account: ValueAccount, before: int | None, size: int) -> tuple[list[Line], int | None]:
    """Return the newest movements below a sequence (all when None), and the sequence to go on below, None at the end."""
    rows = account.movements.select_related("store", "purchase").order_by("-sequence")
    if before is not None:
        rows = rows.filter(sequence__lt=min(before, 2**31 - 1))
    found = list(rows[: size + 1])
    return [_line(row, account) for row in found[:size]], found[size - 1].sequence if len(found) > size else None


def signed_money(amount: int) -> str:
    """Write an amount with its sign: +€5.00 or −€5.00 (a real minus)."""
    return ("+" if amount > 0 else "−" if amount < 0 else "") + money(abs(amount))


def _line(row: ValueMovement, account: ValueAccount) -> Line:
    icon, tone = _LOOK[row.kind]
    owner = account.customer_id
    return Line(
        sequence=row.sequence, occurred_at=row.occurred_at, icon=icon, tone=tone, what=_what(row), why=row.note,
        amount=signed_money(row.amount), is_gain=row.amount > 0, balance=row.balance_after,
        purchase_id=row.purchase_id if row.purchase is not None and row.purchase.customer_id == owner else None,
    )  # fmt: skip


def _what(row: ValueMovement) -> str:
    place = row.store.name if row.store else ""
    match row.kind:
        case Kind.SOLD:
            return _("Gift card bought")
        case Kind.TOPPED_UP:
            return _("Paid in")
        case Kind.GRANTED:
            return _("From the shop for you")
        case Kind.SPENT:
            return _("Paid at %(store)s") % {"store": place} if place else _("Paid")
        case Kind.REFUNDED:
            return _("Given back for a return")
        case Kind.REVERSED:
            return _("Taken back")
        case Kind.EXPIRED:
            return _("Expired")
    return _("Corrected by the shop")


def _validity(account: ValueAccount, state: str, now: dt.datetime) -> str:
    if state == "blocked":
        return _("Blocked: please ask the shop")
    if account.expires_at is None:
        return _("No end date")
    day = near_day(last_moment(account.expires_at), now)
    return (_("Expired on %(day)s") if state == "expired" else _("Until %(day)s")) % {"day": day}

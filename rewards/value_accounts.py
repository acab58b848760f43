"""Gift cards and store credit as things: found by code, claimed by a customer, blocked by staff. Their money is `rewards.stored_value`.

A gift card belongs to whoever shows its code until a customer claims it; from then on it is spent by that customer alone.
"""

import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Customer, User
from customers.templatetags.loyalty import money
from rewards import codes, freezes
from rewards.models import ValueAccount

Kind, State = ValueAccount.Kind, ValueAccount.State


class Reason(models.TextChoices):
    """Why a gift card or store credit was not taken: the complete list, as the till says it."""

    UNKNOWN = "unknown", gettext_lazy("No gift card has this code.")
    BLOCKED = "blocked", gettext_lazy("This gift card is blocked: please ask the shop.")
    EXPIRED = "expired", gettext_lazy("This gift card has expired.")
    OTHER_CUSTOMER = "other_customer", gettext_lazy("This gift card belongs to somebody else.")
    CUSTOMER_NEEDED = (
        "customer_needed",
        gettext_lazy("This gift card belongs to a member: please find the customer first."),
    )
    HAS_OWNER = "has_owner", gettext_lazy("This gift card is on a customer's account already.")
    NOT_ENOUGH = "not_enough", gettext_lazy("There is not enough on it.")
    TOO_MUCH = "too_much", gettext_lazy("That is more than one card may hold.")
    FROZEN = "frozen", gettext_lazy("Gift cards and store credit cannot be spent at the moment. Nothing is lost.")
    ALREADY_USED = "already_used", gettext_lazy("Some of it has been spent already, so it cannot be taken back.")


class ValueRefused(Exception):
    """The gift card or store credit cannot do what was asked; nothing was changed. The text is for the till."""

    def __init__(self, reason: Reason, *, account: ValueAccount | None = None) -> None:
        self.reason, self.account = reason, account
        sentence = str(reason.label)
        if reason == Reason.NOT_ENOUGH and account is not None:
            sentence = _("There is only %(amount)s on it.") % {"amount": money(account.balance)}
        super().__init__(sentence)

    @property
    def available(self) -> int | None:
        """What is on it, where that is the trouble."""
        return self.account.balance if self.account is not None and self.reason == Reason.NOT_ENOUGH else None


def find_by_code(code: str) -> ValueAccount | None:
    """Return the gift card of a typed or scanned code; None when there is none."""
    try:
        symbols = codes.parse(code)
    except codes.InvalidCode:
        return None
    rows = ValueAccount.objects.select_related("customer")
    return rows.filter(code_sealed=codes.seal(symbols)).first()


def code_of(account: ValueAccount) -> str:
    """Return the code as its holder reads it, empty for store credit; never for a list or a log."""
    return codes.display(codes.unseal(account.code_sealed)) if account.code_sealed is not None else ""


def of_customer(*, customer: Customer) -> list[ValueAccount]:
    """Return what a customer has: the store credit first, then the gift cards, the newest first."""
    return list(ValueAccount.objects.filter(customer=customer).order_by("-kind", "-opened_at", "-pk"))


def usable_of(*, customer: Customer, now: dt.datetime) -> list[ValueAccount]:
    """Return what a customer could pay with now, what ends first before the others."""
    rows = ValueAccount.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now), Q(paid__gt=0) | Q(promotional__gt=0),
        customer=customer, state=State.ACTIVE,
    )  # fmt: skip
    return list(rows.order_by(models.F("expires_at").asc(nulls_last=True), "pk"))


def credit_of(*, customer: Customer, now: dt.datetime) -> ValueAccount:
    """Return the store credit of a customer, opened with nothing on it if need be."""
    if account := ValueAccount.objects.filter(customer=customer, kind=Kind.STORE_CREDIT).first():
        return account
    account, _is_new = ValueAccount.objects.get_or_create(
        customer=customer, kind=Kind.STORE_CREDIT, defaults={"opened_at": now}
    )
    return account


def claim(*, code: str, customer: Customer, now: dt.datetime) -> ValueAccount:
    """Put a gift card on a customer's account and return it; the same customer again changes nothing.

    Raises ValueRefused: unknown, blocked, expired, has_owner. The door limits how often somebody may try.
    """
    account = find_by_code(code)
    if account is None:
        raise ValueRefused(Reason.UNKNOWN)
    if account.customer_id == customer.pk:
        return account
    if reason := _closed(account, now):
        raise ValueRefused(reason, account=account)
    free = ValueAccount.objects.filter(pk=account.pk, customer=None, state=State.ACTIVE)
    changed = free.update(customer=customer, claimed_at=now)
    account.refresh_from_db()
    if not changed and account.customer_id != customer.pk:
        raise ValueRefused(Reason.HAS_OWNER, account=account)
    return account


def block(*, account: ValueAccount, reason: str) -> ValueAccount:
    """Stop a gift card or store credit from being spent, and return it; its money stays on it."""
    ValueAccount.objects.filter(pk=account.pk).update(state=State.BLOCKED, block_reason=reason)
    account.refresh_from_db()
    return account


def unblock(*, account: ValueAccount) -> ValueAccount:
    """Let it be spent again, and return it."""
    ValueAccount.objects.filter(pk=account.pk).update(state=State.ACTIVE, block_reason="")
    account.refresh_from_db()
    return account


def replace_code(*, account: ValueAccount, by: User) -> ValueAccount:
    """Give a gift card a new code, because the old one was lost or seen by others, and return it; the old one is dead.

    Raises ValueError for store credit, which has none.
    """
    if account.kind != Kind.GIFT_CARD:
        raise ValueError("store credit has no code")
    code = codes.generate(1)[0]
    ValueAccount.objects.filter(pk=account.pk).update(code_sealed=codes.seal(code), code_tail=codes.tail(code), by=by)
    account.refresh_from_db()
    return account


def refusal(account: ValueAccount, *, customer: Customer | None, amount: int, now: dt.datetime) -> Reason | None:
    """Return why a till would not take an amount, None when it would; certain only under the account's lock."""
    if freezes.is_frozen():
        return Reason.FROZEN
    if reason := _closed(account, now):
        return reason
    if account.customer_id is not None and customer is None:
        return Reason.CUSTOMER_NEEDED
    if account.customer_id is not None and account.customer_id != customer.pk:
        return Reason.OTHER_CUSTOMER
    return Reason.NOT_ENOUGH if amount > account.balance else None


def _closed(account: ValueAccount, now: dt.datetime) -> Reason | None:
    if account.state == State.BLOCKED:
        return Reason.BLOCKED
    return Reason.EXPIRED if account.is_expired(now) else None

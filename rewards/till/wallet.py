"""What pays in a sale besides money and points: gift cards that are shown, and what the customer has on account."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core import signing

from customers.models import Customer
from rewards import till_quotes, value_accounts
from rewards.models import ValueAccount
from rewards.value_accounts import Reason

SALT = "till.value"
SHIFT = 12 * 3600  # how long a link to a gift card opens it
MOST_CARDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """A gift card or store credit on the page of a sale. `pays` is what it would pay of this sale."""

    account: ValueAccount
    token: str
    is_chosen: bool
    reason: Reason | None
    pays: int = 0

    @property
    def is_credit(self) -> bool:
        """Whether it is store credit, which has no code."""
        return self.account.kind == ValueAccount.Kind.STORE_CREDIT


def token_of(account: ValueAccount) -> str:
    """Return what stands for a card in addresses and forms: nobody can make one up, so balances cannot be tried one by one."""
    return signing.dumps(account.pk, salt=SALT)


def account_of(token: str) -> ValueAccount | None:
    """Return the card of a token, None for a wrong or old one."""
    found = accounts_of([token])
    return found[0] if found else None


def accounts_of(tokens: Iterable[str]) -> list[ValueAccount]:
    """Return the cards of some tokens in their order, each once; wrong and old ones are left out."""
    keys = []
    for token in list(tokens)[:MOST_CARDS]:
        try:
            keys.append(signing.loads(token, salt=SALT, max_age=SHIFT))
        except signing.BadSignature:
            continue
    rows = ValueAccount.objects.select_related("customer").in_bulk(keys)
    return [rows[key] for key in dict.fromkeys(keys) if key in rows]


def purses(
    *, customer: Customer | None, shown: Sequence[ValueAccount], chosen: Sequence[int], to_pay: int, now: dt.datetime
) -> list[Purse]:
    """Return what could pay: the customer's own, then what was shown; the chosen ones pay one after the other.

    What was ticked stays, even when it has been blocked or spent meanwhile: nothing is dropped in silence.
    """
    own = value_accounts.usable_of(customer=customer, now=now) if customer is not None else []
    rows = list({account.pk: account for account in [*own, *shown]}.values())
    reasons = {account.pk: _refusal(account, customer, now) for account in rows}
    paying = [account for account in rows if account.pk in chosen and reasons[account.pk] is None]
    pays = {account.pk: amount for account, amount in till_quotes.payments(accounts=paying, amount=to_pay)}
    return [
        Purse(
            account=account, token=token_of(account), is_chosen=account.pk in chosen, reason=reasons[account.pk],
            pays=pays.get(account.pk, 0),
        )
        for account in rows
    ]  # fmt: skip


def _refusal(account: ValueAccount, customer: Customer | None, now: dt.datetime) -> Reason | None:
    least = 1  # an empty card pays nothing
    return value_accounts.refusal(account, customer=customer, amount=least, now=now)

"""Gift cards and store credit: sold, topped up, looked at, spent, given back.

Codes travel in bodies, and no stored answer holds one: who sold a card asks for its code once, apart from the sale.
"""

import datetime as dt

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Path, Router

from customers.api.door import business_key, look_up, operation
from customers.api.fields import MemberNumber
from customers.api.lookups import customer_by_number, optional_store_of, seen_by_number
from customers.api.problems import not_found
from customers.models import Customer
from customers.models.api_key import Scope
from rewards import stored_value, value_accounts
from rewards.api.fields import Id
from rewards.api.value_schemas import (
    CardSale,
    CodeOut,
    GiveBackIn,
    Purse,
    PursesOut,
    SpendIn,
    TopUpIn,
    ValueMovementOut,
    ValueOut,
)
from rewards.models import ValueAccount, ValueMovement

router = Router(tags=["value"])
CODE_SHOWN = dt.timedelta(days=1)


@operation(
    router,
    "POST",
    "/gift-cards",
    scope=Scope.VALUE_SELL,
    answer=ValueMovementOut,
    status=201,
    summary=gettext_noop("Sell a gift card. It earns no points; what is bought with it does."),
    about=gettext_noop("The answer is kept for repetitions, so it has no code: read that apart, within a day."),
)
def sell_gift_card(request: HttpRequest, body: CardSale) -> ValueMovementOut:
    owner = None if body.member_number is None else customer_by_number(request, body.member_number)
    movement = stored_value.sell(
        amount=body.amount, promotional=body.promotional, customer=owner, source=business_key(request),
        occurred_at=timezone.now(), store=optional_store_of(request, body.store),
    )  # fmt: skip
    return _movement(movement)


@operation(
    router,
    "GET",
    "/gift-cards/{card}/code",
    scope=Scope.VALUE_SELL,
    answer=CodeOut,
    summary=gettext_noop("Read the code of a gift card that this client sold within the last day, to print it."),
)
def get_gift_card_code(request: HttpRequest, card: Path[Id]) -> CodeOut:
    sold = ValueMovement.objects.select_related("account").filter(
        account=card, kind=ValueMovement.Kind.SOLD, source__startswith=f"api:{request.auth.client}:"
    )
    row = sold.filter(recorded_at__gt=timezone.now() - CODE_SHOWN).first()
    if row is None:
        raise not_found("card")
    return CodeOut(code=value_accounts.code_of(row.account))


@operation(
    router,
    "POST",
    "/gift-cards/top-up",
    scope=Scope.VALUE_SELL,
    answer=ValueMovementOut,
    status=201,
    summary=gettext_noop("Put money on a gift card, or on the store credit of a customer, which is opened by it."),
)
def top_up(request: HttpRequest, body: TopUpIn) -> ValueMovementOut:
    account, _customer = _find(request, body, opens_credit=True)
    movement = stored_value.top_up(
        account=account, amount=body.amount, promotional=body.promotional, source=business_key(request),
        occurred_at=timezone.now(), store=optional_store_of(request, body.store),
    )  # fmt: skip
    return _movement(movement)


@operation(
    router,
    "POST",
    "/gift-cards/balance",
    scope=Scope.VALUE_READ,
    answer=ValueOut,
    summary=gettext_noop("Say what is on a gift card or on a customer's store credit; nothing is changed."),
)
def get_value(request: HttpRequest, body: Purse) -> ValueOut:
    return _account(_find(request, body)[0])


@operation(
    router,
    "GET",
    "/customers/{member_number}/value",
    scope=Scope.VALUE_READ,
    answer=PursesOut,
    summary=gettext_noop("List the store credit and the gift cards of a customer."),
)
def list_value(request: HttpRequest, member_number: Path[MemberNumber]) -> PursesOut:
    customer = seen_by_number(request, member_number, pointer="member_number")
    accounts = value_accounts.of_customer(customer=customer)
    return PursesOut(member_number=customer.member_number, items=[_account(one, customer) for one in accounts])


@operation(
    router,
    "POST",
    "/gift-cards/spend",
    scope=Scope.VALUE_SPEND,
    answer=ValueMovementOut,
    status=201,
    summary=gettext_noop("Pay with a gift card or store credit, all of the amount or nothing."),
    about=gettext_noop(
        "For payments that the portal does not record as a purchase. A purchase names its gift cards itself, and its returns give back by themselves."
    ),
)
def spend_value(request: HttpRequest, body: SpendIn) -> ValueMovementOut:
    account, customer = _find(request, body)
    movement = stored_value.spend(
        account=account, amount=body.amount, source=business_key(request), occurred_at=timezone.now(), customer=customer,
        store=optional_store_of(request, body.store),
    )  # fmt: skip
    return _movement(movement)


@operation(
    router,
    "POST",
    "/gift-cards/refund",
    scope=Scope.VALUE_SPEND,
    answer=ValueMovementOut,
    status=201,
    summary=gettext_noop("Give back a payment, in whole or in part, to where it came from."),
)
def refund_value(request: HttpRequest, body: GiveBackIn) -> ValueMovementOut:
    rows = ValueMovement.objects.select_related("account", "purchase")
    # What paid for a purchase comes back with its goods, not by itself.
    spent = rows.filter(pk=body.movement, kind=ValueMovement.Kind.SPENT, purchase=None).first()
    own = request.auth.store_id
    if spent is None or (own is not None and spent.store_id != own):
        raise not_found("/movement")
    rest = -spent.amount - stored_value.given_back(spent).amount
    movement = stored_value.refund(
        spent=spent, amount=body.amount or max(1, rest), source=business_key(request), occurred_at=timezone.now(),
        store=spent.store,
    )  # fmt: skip
    return _movement(movement)


def _find(request: HttpRequest, body: Purse, *, opens_credit: bool = False) -> tuple[ValueAccount, Customer | None]:
    """Return what a request speaks of and who pays; an unknown code is a miss like an unknown customer."""
    customer = None if body.member_number is None else customer_by_number(request, body.member_number)
    if body.code is not None:
        code = body.code
        sentence = str(value_accounts.Reason.UNKNOWN.label)
        return look_up(request, lambda: value_accounts.find_by_code(code), pointer="/code", detail=sentence), customer
    if opens_credit:
        return value_accounts.credit_of(customer=customer, now=timezone.now()), customer
    account = customer.value_accounts.filter(kind=ValueAccount.Kind.STORE_CREDIT).first()
    if account is None:
        raise not_found("/member_number", _("This customer has no store credit."))
    return account, customer


def _movement(row: ValueMovement) -> ValueMovementOut:
    return ValueMovementOut(
        id=row.pk, kind=row.kind, amount=row.amount, paid=row.paid, promotional=row.promotional,
        occurred_at=row.occurred_at, account=_account(row.account),
    )  # fmt: skip


def _account(account: ValueAccount, owner: Customer | None = None) -> ValueOut:
    owner = owner or account.customer
    state = "expired" if account.state == "active" and account.is_expired(timezone.now()) else account.state
    return ValueOut(
        id=account.pk, kind=account.kind, ends_in=account.code_tail, member_number=owner and owner.member_number,
        balance=account.balance, paid=account.paid, promotional=account.promotional, state=state,
        expires_at=account.expires_at,
    )  # fmt: skip

"""Balances, statements, holds and transfers."""

import datetime as dt

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Path, Query, Router

from customers.api.door import business_key, look_up, operation
from customers.api.fields import MemberNumber
from customers.api.lookups import by_old_number, customer_by_number, optional_store_of, seen_by_number
from customers.api.problems import not_found
from customers.models.api_key import Scope
from rewards import balances, holds, stamp_sheets, statement, transfers
from rewards.api.fields import Id
from rewards.api.point_schemas import (
    BalanceOut,
    CaptureIn,
    HoldIn,
    HoldOut,
    MovementOut,
    Nothing,
    StatementOut,
    TransferIn,
    TransferOut,
)
from rewards.api.purchase_schemas import StampCardOut, StampCardsOut
from rewards.models import PointHold, PointTransaction
from rewards.models.points import CUSTOMER_ACCOUNTS

router = Router(tags=["points"])
PAGE_SIZE = Query(20, ge=1, le=100)


@operation(
    router,
    "GET",
    "/customers/{member_number}/balance",
    scope=Scope.POINTS_READ,
    answer=BalanceOut,
    summary=gettext_noop("Read a customer's balance."),
)
def get_balance(request: HttpRequest, member_number: Path[MemberNumber]) -> BalanceOut:
    def find() -> balances.Balance | None:
        found = balances.balance_of(member_number=member_number)
        if found is None and (customer := by_old_number(member_number)):
            found = balances.balance_of(member_number=customer.member_number)
        return found

    found = look_up(request, find, pointer="member_number", detail=_("No customer has this member number."))
    return BalanceOut(**found._asdict())


@operation(
    router,
    "GET",
    "/customers/{member_number}/statement",
    scope=Scope.POINTS_READ,
    answer=StatementOut,
    summary=gettext_noop("Read a page of a customer's statement, newest first."),
    about=gettext_noop("Pages go by the sequence of the movements, so they stay stable while new ones are added."),
)
def get_statement(
    request: HttpRequest,
    member_number: Path[MemberNumber],
    before: Query[Id | None] = None,
    limit: int = PAGE_SIZE,
) -> StatementOut:
    customer = seen_by_number(request, member_number)
    rows = customer.point_transactions.select_related("store", "lot").order_by("-sequence")
    if before is not None:
        rows = rows.filter(sequence__lt=min(before, 2**31 - 1))
    found = list(rows[: limit + 1])
    page = found[:limit]
    return StatementOut(
        member_number=customer.member_number,
        items=[_movement(row) for row in page],
        next=page[-1].sequence if len(found) > limit else None,
    )


@operation(
    router,
    "GET",
    "/customers/{member_number}/stamp-cards",
    scope=Scope.POINTS_READ,
    answer=StampCardsOut,
    summary=gettext_noop("Read a customer's stamp cards."),
    about=gettext_noop(
        "Cards that give stamps now, and those with something on them. Stamps are in no balance of points."
    ),
)
def get_stamp_cards(request: HttpRequest, member_number: Path[MemberNumber]) -> StampCardsOut:
    customer = seen_by_number(request, member_number)
    items = [
        StampCardOut(
            card=sheet.card.code, name=sheet.card.name, on_card=sheet.on_card, needed=sheet.card.stamps_needed,
            debt=sheet.debt, is_open=sheet.is_open,
        )
        for sheet in stamp_sheets.sheets_of(customer=customer)
    ]  # fmt: skip
    return StampCardsOut(member_number=customer.member_number, items=items)


@operation(
    router,
    "POST",
    "/holds",
    scope=Scope.POINTS_HOLD,
    answer=HoldOut,
    status=201,
    summary=gettext_noop("Set points aside until a deadline."),
)
def place_hold(request: HttpRequest, body: HoldIn) -> HoldOut:
    now = timezone.now()
    hold = holds.place(
        customer=customer_by_number(request, body.member_number), points=body.points, source=business_key(request),
        occurred_at=now, expires_at=now + dt.timedelta(minutes=body.minutes),
        store=optional_store_of(request, body.store),
    )  # fmt: skip
    return _hold(hold)


@operation(
    router,
    "POST",
    "/holds/{hold}/capture",
    scope=Scope.POINTS_HOLD,
    answer=HoldOut,
    status=201,
    summary=gettext_noop("Spend the points on hold, all or fewer; the rest goes back at once."),
)
def capture_hold(request: HttpRequest, hold: Path[Id], body: CaptureIn) -> HoldOut:
    row = find_hold(request, hold)
    holds.capture(hold=row, occurred_at=timezone.now(), points=body.points)
    return _hold(row)


@operation(
    router,
    "POST",
    "/holds/{hold}/release",
    scope=Scope.POINTS_HOLD,
    answer=HoldOut,
    status=201,
    summary=gettext_noop("Give the points on hold back."),
)
def release_hold(request: HttpRequest, hold: Path[Id], body: Nothing) -> HoldOut:
    return _hold(holds.release(hold=find_hold(request, hold), occurred_at=timezone.now()))


@operation(
    router,
    "POST",
    "/transfers",
    scope=Scope.POINTS_TRANSFER,
    answer=TransferOut,
    status=201,
    summary=gettext_noop("Move points from one customer to another; they keep their expiry."),
)
def transfer_points(request: HttpRequest, body: TransferIn) -> TransferOut:
    giver = customer_by_number(request, body.from_member, pointer="/from_member")
    receiver = customer_by_number(request, body.to_member, pointer="/to_member")
    moved = transfers.transfer(
        giver=giver, receiver=receiver, points=body.points, source=business_key(request), occurred_at=timezone.now(),
        note=body.note or "",
    )  # fmt: skip
    return TransferOut(
        source=moved.source, from_member=giver.member_number, to_member=receiver.member_number, points=moved.points,
        occurred_at=moved.occurred_at,
    )  # fmt: skip


def _movement(row: PointTransaction) -> MovementOut:
    line = statement.line_of(row)
    is_inside = row.from_account in CUSTOMER_ACCOUNTS and row.to_account in CUSTOMER_ACCOUNTS
    return MovementOut(
        sequence=row.sequence, kind=row.kind, points=0 if is_inside else statement.signed_for_customer(row),
        moved=row.points, from_account=row.from_account, to_account=row.to_account, source=row.source,
        occurred_at=row.occurred_at, recorded_at=row.recorded_at, active_after=row.active_after, what=str(line.what),
        why=[str(sentence) for sentence in line.why], outlook=[str(sentence) for sentence in line.outlook],
    )  # fmt: skip


def find_hold(request: HttpRequest, pk: int) -> PointHold:
    """Return a hold that this client placed, or one of its store."""
    hold = PointHold.objects.select_related("customer", "transaction").filter(pk=pk).first()
    is_own = hold is not None and hold.source.startswith(f"api:{request.auth.client}:")
    own_store = request.auth.store_id
    if hold is None or not (is_own or own_store is None or hold.store_id == own_store):
        raise not_found("hold")
    return hold


def _hold(hold: PointHold) -> HoldOut:
    return HoldOut(
        id=hold.pk, member_number=hold.customer.member_number, state=hold.state, points=hold.points,
        captured=hold.captured, placed_at=hold.placed_at, expires_at=hold.expires_at,
    )  # fmt: skip

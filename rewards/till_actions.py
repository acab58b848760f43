"""What a till does, each thing once per key: enrol, sell, take a coupon, take goods back, undo.

The key comes with the form. Its row is written in the transaction of what it did, so a second press, a retry after a lost
connection or the way back in the browser finds what happened instead of doing it again.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import enrolment
from customers.models import Customer, Purchase, Return, Store, User
from customers.timezones import programme_date
from rewards import checkout, codes, consequences, ledger, redemption, returns, sale, stored_value
from rewards.adjustments import refuse_own_card
from rewards.models import Coupon, TillAction, ValueMovement
from rewards.sale import SoldLine, ValuePayments

Kind = TillAction.Kind
ON_CARDS = (Kind.CARD_SOLD, Kind.CARD_FILLED)
UNDOABLE = (Kind.SALE, Kind.COUPON, *ON_CARDS)
UNDO_ANY = "rewards.undo_tillaction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Where somebody works: a store, a till of it, and who stands there."""

    store: Store
    till: str
    by: User


class KeyReused(Exception):
    """The key did something else before; nothing was done now. `action` is what stands."""

    def __init__(self, *, action: TillAction) -> None:
        self.action = action
        super().__init__(
            _("This was recorded before you changed it. What stands is shown here; enter anything else anew.")
        )


class NoUndo(models.TextChoices):
    """Why something cannot be undone: the complete list, as the till says it."""

    KIND = "kind", gettext_lazy("This cannot be undone here.")
    UNDONE = "undone", gettext_lazy("This was undone already.")
    RETURNED = "returned", gettext_lazy("Everything of this sale has come back already.")
    OTHER_STORE = "other_store", gettext_lazy("This was done in another store: please ask a manager.")
    OTHER_DAY = "other_day", gettext_lazy("This was not done today: please ask a manager.")


class ReturnNotHere(Exception):
    """These goods cannot come back through this person here and now; nothing was changed."""

    def __init__(self, reason: NoUndo) -> None:
        self.reason = reason
        super().__init__(str(reason.label))


class UndoRefused(Exception):
    """This cannot be undone by this person here and now; nothing was changed."""

    def __init__(self, reason: NoUndo, *, action: TillAction) -> None:
        self.reason, self.action = reason, action
        super().__init__(str(reason.label))


def find(key: uuid.UUID) -> TillAction | None:
    """Return what a key did, None when it did nothing yet."""
    rows = TillAction.objects.select_related(
        "store", "customer", "purchase__store", "goods_back", "coupon_use__coupon__batch", "undoes", "by"
    )
    return rows.filter(key=key).first()


def receipt_number(key: uuid.UUID) -> str:
    """Return the receipt number that a key makes, such as T-7K3M9-QX2AB: the same for every try of one sale."""
    number, symbols = key.int, ""
    for _place in range(10):
        number, digit = divmod(number, len(codes.ALPHABET))
        symbols += codes.ALPHABET[digit]
    return f"T-{symbols[:5]}-{symbols[5:]}"


def enrol(*, station: Station, key: uuid.UUID, now: dt.datetime, **person: Any) -> TillAction:
    """Enrol who stands at the counter, once per key, and return the action; `person` is what enrol_at_till takes.

    Raises KeyReused and AlreadyEnrolled.
    """

    def act() -> dict[str, Any]:
        return {"customer": enrolment.enrol_at_till(by=station.by, now=now, store=station.store, **person)}

    return once(Kind.ENROL, station, key, None, now, act)


def sell(
    *,
    station: Station,
    key: uuid.UUID,
    customer: Customer | None,
    lines: Sequence[SoldLine],
    now: dt.datetime,
    coupons: Sequence[Coupon] = (),
    points: int = 0,
    value: ValuePayments = (),
    reference: str = "",
    prove: Callable[[], Any] | None = None,
) -> TillAction:
    """Record a sale with its coupons, points and gift cards in one transaction, once per key, and return the action.

    `prove` is called inside it where the customer has to agree, and raises when they did not. Raises KeyReused, OwnCard,
    whatever checkout.record_purchase raises, and ValueError for points without a proof.
    """
    _refuse_own(customer, station)
    if points and prove is None:
        raise ValueError("points are spent only with the customer's proof")

    def act() -> dict[str, Any]:
        if prove is not None:
            prove()
        purchase = checkout.record_purchase(
            store=station.store, till=station.till, reference=reference or receipt_number(key), customer=customer,
            occurred_at=now, lines=lines, points=points, coupons=coupons, value=value, by=station.by,
        )  # fmt: skip
        return {"purchase": purchase, "money": purchase.to_pay}

    action = once(Kind.SALE, station, key, customer, now, act)
    if not action.is_new and not is_same_sale(action=action, customer=customer, lines=lines, points=points):
        raise KeyReused(action=action)
    return action


def take_coupon(
    *, station: Station, key: uuid.UUID, customer: Customer | None, coupon: Coupon, now: dt.datetime
) -> TillAction:
    """Take a coupon that needs no sale, such as one for a gift, once per key, and return the action.

    Raises KeyReused, OwnCard and CouponRefused.
    """
    _refuse_own(customer or coupon.customer, station)

    def act() -> dict[str, Any]:
        use = redemption.redeem(
            coupon=coupon, request_key=f"till:{key}", now=now, customer=customer, store=station.store, by=station.by
        )
        return {"coupon_use": use}

    action = once(Kind.COUPON, station, key, customer or coupon.customer, now, act)
    if action.coupon_use is None or action.coupon_use.coupon_id != coupon.pk:
        raise KeyReused(action=action)
    return action


def take_back(
    *,
    station: Station,
    key: uuid.UUID,
    purchase: Purchase,
    quantities: Mapping[int, int],
    now: dt.datetime,
    reason: str = "",
    returns_coupon: bool | None = None,
) -> TillAction:
    """Record goods that came back, by line position, once per key, and return the action.

    Raises KeyReused, OwnCard, ReturnNotHere and whatever returns.refund raises.
    """
    _refuse_own(purchase.customer, station)

    def act() -> dict[str, Any]:
        if refused := return_refusal(purchase=purchase, station=station, now=now):
            raise ReturnNotHere(refused)
        row = _refund(purchase, key, quantities, now, reason, returns_coupon, station.by)
        return {
            "purchase": purchase,
            "goods_back": row,
            "money": -consequences.money_back(purchase=purchase, row=row),
        }

    action = once(Kind.RETURN, station, key, purchase.customer, now, act)
    if not action.is_new and action.purchase_id != purchase.pk:
        raise KeyReused(action=action)
    return action


def undo(*, station: Station, key: uuid.UUID, action: TillAction, now: dt.datetime) -> TillAction:
    """Undo a sale, a coupon or a gift card's money, once, and return the new action: everything comes back.

    On the same day and in the same store by everybody at a till, always by who may undo anything. Raises UndoRefused, OwnCard,
    and ValueRefused when money of the card has been spent.
    """
    customer = action.customer and action.customer.survivor
    _refuse_own(customer, station)

    def act() -> dict[str, Any]:
        if reason := undo_refusal(action=action, station=station, now=now):
            raise UndoRefused(reason, action=action)
        if action.kind == Kind.COUPON:
            redemption.give_back(use=action.coupon_use, return_key=f"till:{key}", now=now)
            return {"undoes": action, "coupon_use": action.coupon_use}
        if action.kind in ON_CARDS:
            movement = ValueMovement.objects.select_related("account").get(source=action.source)
            stored_value.take_back(
                movement=movement, source=f"till:{key}", occurred_at=now, store=station.store, by=station.by
            )
            return {"undoes": action, "source": f"till:{key}", "money": -action.money}
        row = _refund(action.purchase, key, left_of(action.purchase), now, "undo", True, station.by)
        return {
            "undoes": action,
            "purchase": action.purchase,
            "goods_back": row,
            "money": -consequences.money_back(purchase=action.purchase, row=row),
        }

    done = once(Kind.UNDO, station, key, customer, now, act)
    if done.undoes_id != action.pk:
        raise KeyReused(action=done)
    return done


def undo_refusal(*, action: TillAction, station: Station, now: dt.datetime) -> NoUndo | None:
    """Return why an action cannot be undone at a till now, None when it can."""
    if action.kind not in UNDOABLE:
        return NoUndo.KIND
    if TillAction.objects.filter(undoes=action).exists():
        return NoUndo.UNDONE
    if reason := _elsewhere(action.store_id, action.occurred_at, station, now):
        return reason
    if action.purchase is not None and not left_of(action.purchase):
        return NoUndo.RETURNED
    return None


def return_refusal(*, purchase: Purchase, station: Station, now: dt.datetime) -> NoUndo | None:
    """Return why goods cannot come back at this till now, None when they can."""
    if not left_of(purchase):
        return NoUndo.RETURNED
    return _elsewhere(purchase.store_id, purchase.occurred_at, station, now)


def preview_return(
    *,
    station: Station,
    purchase: Purchase,
    quantities: Mapping[int, int],
    now: dt.datetime,
    returns_coupon: bool | None,
    look: Callable[[Return], dict[str, Any]],
) -> dict[str, Any]:
    """Return what `look` sees of a return that is recorded and at once taken back: what would happen, to the last point.

    Raises what take_back raises.
    """
    _refuse_own(purchase.customer, station)
    with transaction.atomic():
        row = _refund(purchase, uuid.uuid4(), quantities, now, "", returns_coupon, station.by)
        seen = look(row)
        transaction.set_rollback(True)
    return seen


def is_same_sale(*, action: TillAction, customer: Customer | None, lines: Sequence[SoldLine], points: int) -> bool:
    """Return whether a recorded sale is of the same customer, goods and points."""
    purchase = action.purchase
    if purchase is None:
        return False
    stored = sorted(purchase.lines.values_list("product_id", "quantity", "unit_price", "discount"))
    sent = sorted((line.product.pk, line.quantity, line.unit_price, line.discount) for line in lines)
    whose = customer and customer.pk
    return (stored, purchase.customer_id, purchase.paid_by_points) == (sent, whose, sale.value_of(points))


def left_of(purchase: Purchase) -> dict[int, int]:
    """Return how many of each line the customer still has, by position; lines that came back whole are left out."""
    rows = purchase.lines.annotate(back=models.Sum("returns__quantity", default=0)).order_by("position")
    return {line.position: line.quantity - line.back for line in rows if line.quantity > line.back}


def _elsewhere(store_id: int, occurred_at: dt.datetime, station: Station, now: dt.datetime) -> NoUndo | None:
    """What somebody without a manager's right meets: another store, another day of the programme."""
    if station.by.has_perm(UNDO_ANY):
        return None
    if store_id != station.store.pk:
        return NoUndo.OTHER_STORE
    return None if programme_date(occurred_at) == programme_date(now) else NoUndo.OTHER_DAY


def _refund(
    purchase: Purchase,
    key: uuid.UUID,
    quantities: Mapping[int, int],
    now: dt.datetime,
    reason: str,
    returns_coupon: bool | None,
    by: User,
) -> Return:
    return returns.refund(
        purchase=purchase, reference=receipt_number(key).replace("T-", "R-"), quantities=quantities, occurred_at=now,
        reason=reason, returns_coupon=returns_coupon, by=by,
    )  # fmt: skip


def once(
    kind: Kind,
    station: Station,
    key: uuid.UUID,
    customer: Customer | None,
    now: dt.datetime,
    act: Callable[[], dict[str, Any]],
) -> TillAction:
    """Do something and keep its row, or return what the key did before. Raises KeyReused when that was of another kind."""
    if (earlier := _done(kind, key)) is not None:
        return earlier
    try:
        with transaction.atomic():
            # Tries of one customer's action queue here; those of a guest's meet at the unique key.
            if customer is not None:
                ledger.lock(customer_ids=[customer.pk])
                if (earlier := _done(kind, key)) is not None:
                    return earlier
            action = TillAction(
                key=key, kind=kind, store=station.store, till=station.till, by=station.by, occurred_at=now,
                **{"customer": customer} | act(),
            )  # fmt: skip
            action.save(force_insert=True)
    except Exception:
        # Whatever it was: when another try of the same key has gone through meanwhile, that one counts.
        if (earlier := _done(kind, key)) is not None:
            return earlier
        raise
    action.is_new = True
    return action


def _done(kind: Kind, key: uuid.UUID) -> TillAction | None:
    earlier = find(key)
    if earlier is not None and earlier.kind != kind:
        raise KeyReused(action=earlier)
    return earlier


def _refuse_own(customer: Customer | None, station: Station) -> None:
    if customer is not None:
        refuse_own_card(customer, station.by)

"""Quotes, purchases and returns: the same functions as the till and the import."""

from typing import Any

from django.db import connection
from django.db.models import Sum
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Query, Router

from customers import statements
from customers.api.door import operation
from customers.api.fields import Reference, StoreCode, Till
from customers.api.lookups import (
    by_old_number,
    customer_by_number,
    found_customer,
    note_look,
    numbered,
    store_of,
    till_of,
)
from customers.api.problems import Problem, invalid, not_found
from customers.models import Category, Customer, Purchase, Return, Store
from customers.models.api_key import Scope
from customers.statements import Rows, Statement
from rewards import articles, checkout, returns, sale, stamps
from rewards.api import baskets
from rewards.api.coupons import saying_why
from rewards.api.purchase_schemas import (
    BasketIn,
    LineIn,
    LineOut,
    PointsEarned,
    PurchaseIn,
    PurchaseOut,
    QuoteOut,
    RefundIn,
    RefundOut,
    StampsOut,
)
from rewards.articles import Article
from rewards.consequences import money_back
from rewards.models import CouponUse, PointTransaction, StampCard
from rewards.models.points import Account, Kind
from rewards.sale import SoldLine
from rewards.statement import reasons_of

router = Router(tags=["purchases"])


@operation(
    router,
    "POST",
    "/quotes",
    scope=Scope.PURCHASES_READ,
    answer=QuoteOut,
    summary=gettext_noop("Say what a basket would cost and earn; nothing is written."),
)
def quote(request: HttpRequest, body: BasketIn) -> QuoteOut:
    store, customer = store_of(request, body.store), _customer(request, body)
    lines = _sold(body.lines, _existing(body.lines))
    receipt = baskets.quoted_receipt(request, body, store, till_of(request, body.till), customer, lines)
    quoted = checkout.quote(receipt=receipt)
    earned = quoted.earned.points if customer else 0
    return QuoteOut(
        total=quoted.total, discount=receipt.discount, paid_by_points=receipt.paid_by_points, to_pay=quoted.to_pay,
        coupons=baskets.fitting_coupons(request, body, store, customer, lines),
        points=PointsEarned(earned=earned, because=reasons_of(quoted.earned.explanation()) if earned else []),
        stamps=_quoted_stamps(quoted) if customer else [],
    )  # fmt: skip


@operation(
    router,
    "POST",
    "/purchases",
    scope=Scope.PURCHASES_WRITE,
    answer=PurchaseOut,
    status=201,
    summary=gettext_noop(
        "Record a purchase with the points that it earns, and with the points and coupons that pay for it."
    ),
    asks=lambda request, body: _own_questions(request, body),
    about=gettext_noop(
        "A receipt counts once, for ever: under another Idempotency-Key it is refused as `receipt_recorded`, and with other contents as `receipt_conflict`, each with the id of the first."
    ),
)
def record_purchase(request: HttpRequest, body: PurchaseIn) -> PurchaseOut:
    store, till = store_of(request, body.store), till_of(request, body.till)
    goods, *answers = request.answers or statements.run(*_questions(body, store.pk, till))
    customer = None if body.member_number is None else _found(request, body.member_number, answers.pop())
    known = articles.answered(goods)
    lines = _sold(body.lines, articles.find_or_make(_wanted(body.lines), known=known))
    points, coupons = baskets.paying_points(request, body, customer), baskets.paying_coupons(request, body)
    hold = baskets.paying_hold(request, body, customer)
    with saying_why(request):
        purchase = checkout.record_purchase(
            store=store, till=till, reference=body.reference, customer=customer, occurred_at=body.occurred_at,
            lines=lines, discount=body.discount, coupons=coupons, hold=hold, answers=answers,
            points=points or (hold.points if hold else 0), value=baskets.paying_cards(request, body, customer),
        )  # fmt: skip
    if not purchase.is_new:
        sentence = _("Receipt %(reference)s is recorded already.") % {"reference": body.reference}
        raise Problem("receipt_recorded", sentence, more={"original_id": purchase.pk})
    shown = [
        LineOut(
            position=position, sku=line.product.sku, quantity=line.quantity, returned=0, unit_price=line.unit_price,
            discount=line.discount, total=line.total,
        )
        for position, line in enumerate(lines, 1)
    ]  # fmt: skip
    return _shown(purchase, store, customer, shown, purchase.points_earned, purchase.explanation)


@operation(
    router,
    "GET",
    "/purchases",
    scope=Scope.PURCHASES_READ,
    answer=PurchaseOut,
    summary=gettext_noop("Read one purchase by store, till and receipt number."),
)
def get_purchase(
    request: HttpRequest,
    reference: Query[Reference],
    store: Query[StoreCode | None] = None,
    till: Query[Till | None] = None,
) -> PurchaseOut:
    purchase = _purchase(store_of(request, store), till_of(request, till), reference)
    if purchase.customer is not None:
        note_look(request, purchase.customer)
    lines = purchase.lines.select_related("product").annotate(back=Sum("returns__quantity", default=0))
    shown = [
        LineOut(
            position=line.position, sku=line.product.sku, quantity=line.quantity, returned=line.back,
            unit_price=line.unit_price, discount=line.discount, total=line.total,
        )
        for line in lines.order_by("position")
    ]  # fmt: skip
    awards = PointTransaction.objects.filter(source=purchase.source, kind=Kind.EARN)
    explained = [award.explanation for award in awards if award.explanation]
    earned = sum(award.points for award in awards)
    purchase.stamps = stamps.of_purchase(purchase=purchase)
    return _shown(purchase, purchase.store, purchase.customer, shown, earned, explained[0] if explained else None)


@operation(
    router,
    "POST",
    "/refunds",
    scope=Scope.REFUNDS_WRITE,
    answer=RefundOut,
    status=201,
    summary=gettext_noop("Record goods that came back, by line, with the points that go back."),
    about=gettext_noop("The points depend on what is finally kept, not on how many returns it took."),
)
def record_refund(request: HttpRequest, body: RefundIn) -> RefundOut:
    purchase = _purchase(store_of(request, body.store), till_of(request, body.till), body.purchase, pointer="/purchase")
    if body.occurred_at < purchase.occurred_at:
        raise invalid("/occurred_at", _("Goods cannot come back before they were bought."))
    positions = set(purchase.lines.values_list("position", flat=True))
    for number, line in enumerate(body.lines):
        if line.position not in positions:
            raise invalid(f"/lines/{number}/position", _("The receipt has no such line."))
    row = returns.refund(
        returns_coupon=body.returns_coupon,
        purchase=purchase, reference=body.reference, occurred_at=body.occurred_at, reason=body.reason or "",
        quantities={line.position: line.quantity for line in body.lines},
    )  # fmt: skip
    if not row.is_new:
        sentence = _("Return %(reference)s is recorded already.") % {"reference": body.reference}
        raise Problem("return_recorded", sentence, more={"original_id": row.pk})
    return _refund(purchase, row)


def _customer(request: HttpRequest, body: BasketIn) -> Customer | None:
    return None if body.member_number is None else customer_by_number(request, body.member_number)


def _own_questions(request: HttpRequest, body: PurchaseIn) -> list[Statement]:
    """Return what to ask along with the claim, when the key says for which store; otherwise the view finds that first."""
    store_id = request.auth.store_id
    return [] if store_id is None else _questions(body, store_id, request.auth.till or body.till or "")


def _questions(body: PurchaseIn, store_id: int, till: str) -> list[Statement]:
    """Return what asks for the goods, for what checkout wants to know, and, if there is one, for the customer."""
    is_guest = body.member_number is None
    return [
        articles.question({line.sku for line in body.lines}),
        *checkout.questions(store_id=store_id, till=till, reference=body.reference, is_guest=is_guest),
        *([] if is_guest else [numbered(connection.vendor).asking(body.member_number)]),
    ]


def _found(request: HttpRequest, member_number: str, rows: Rows) -> Customer:
    """Return the customer that was asked for by number."""

    def find() -> Customer | None:
        return next(iter(numbered(connection.vendor).models(rows)), None) or by_old_number(member_number)

    return found_customer(request, find)


def _wanted(lines: list[LineIn]) -> list[tuple[str, str, str]]:
    return [(line.sku, line.name or line.sku, line.category or "") for line in lines]


def _quoted_stamps(quoted: sale.Quote) -> list[StampsOut]:
    given = {number: one.points for number, one in quoted.stamps.items() if one.points}
    cards = StampCard.objects.filter(pk__in=given).order_by("pk") if given else ()
    return [StampsOut(card=card.code, earned=given[card.pk], needed=card.stamps_needed) for card in cards]


def _existing(lines: list[LineIn]) -> dict[str, Article]:
    """Return the articles of a basket without making any: a new one belongs to its category at best."""
    codes = {line.category for line in lines if line.category}
    categories = dict(Category.objects.filter(code__in=codes).values_list("code", "pk")) if codes else {}
    new = {line.sku: Article(0, line.sku, categories.get(line.category)) for line in lines}
    return new | articles.existing(new)


def _sold(lines: list[LineIn], products: dict[str, Article]) -> list[SoldLine]:
    return [SoldLine(products[line.sku], line.quantity, line.unit_price, line.discount) for line in lines]


def _purchase(store: Store, till: str, reference: str, *, pointer: str = "reference") -> Purchase:
    rows = Purchase.objects.select_related("store", "customer")
    purchase = rows.filter(store=store, till=till, reference=reference).first()
    if purchase is None:
        raise not_found(pointer, _("No receipt has this number here."))
    return purchase


def _shown(
    purchase: Purchase,
    store: Store,
    customer: Customer | None,
    lines: list[LineOut],
    earned: int,
    explanation: dict[str, Any] | None,
) -> PurchaseOut:
    return PurchaseOut(
        id=purchase.pk, store=store.code, till=purchase.till, reference=purchase.reference,
        member_number=customer and customer.member_number, occurred_at=purchase.occurred_at,
        recorded_at=purchase.recorded_at, total=purchase.total, discount=purchase.discount,
        paid_by_points=purchase.paid_by_points, paid_by_value=purchase.paid_by_value, to_pay=purchase.to_pay, lines=lines,
        points=PointsEarned(earned=earned, because=reasons_of(explanation)),
        stamps=[
            StampsOut(
                card=one.card.code, earned=one.earned, needed=one.card.stamps_needed, on_card=one.on_card, coupons=one.coupons
            )
            for one in purchase.stamps
        ],
    )  # fmt: skip


def _refund(purchase: Purchase, row: Return) -> RefundOut:
    moved = PointTransaction.objects.filter(source=row.source, kind=Kind.REVERSE)
    totals = dict.fromkeys((Account.REVERSED, Account.REDEEMED), 0)
    for origin, target, points in moved.values_list("from_account", "to_account", "points"):
        if target == Account.REVERSED:
            totals[Account.REVERSED] += points
        elif origin == Account.REDEEMED:
            totals[Account.REDEEMED] += points
    return RefundOut(
        id=row.pk, store=purchase.store.code, till=purchase.till, purchase=purchase.reference, reference=row.reference,
        member_number=purchase.customer and purchase.customer.member_number, occurred_at=row.occurred_at,
        recorded_at=row.recorded_at, total=row.total, points_taken_back=totals[Account.REVERSED],
        points_given_back=totals[Account.REDEEMED], money=money_back(purchase=purchase, row=row),
        coupons_returned=CouponUse.objects.filter(purchase=purchase, return_key__startswith=f"{row.source}:").count(),
    )  # fmt: skip

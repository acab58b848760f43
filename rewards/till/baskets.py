"""The sale as it stands in the form: read from it, added to, and written back with what it comes to."""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from django.core import signing
from django.db.models import Case, Q, When
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from customers.models import Customer, Product
from rewards import coupon_baskets, coupon_offers, coupons, open_amounts, till_quotes, value_accounts
from rewards.coupon_offers import WITHOUT_SALE, Offer
from rewards.coupons import CouponRefused, Reason
from rewards.models import Coupon, ValueAccount
from rewards.sale import SoldLine
from rewards.till import misses, wallet
from rewards.till.forms import MOST_PIECES, LineForm, SaleForm
from rewards.till.wallet import Purse
from rewards.till_actions import Station
from rewards.till_quotes import Bill

MOST_LINES = 200
MOST_MATCHES = 8
COUPON_SALT = "till.coupon"
LINE_FIELDS = ("product", "quantity", "price", "discount")


@dataclass(kw_only=True)
class Row:
    """A line of the basket as it is shown: typed values, and what is wrong with them."""

    product: Product
    form: LineForm
    unit_price: int | None
    problem: str = ""

    @property
    def asks_price(self) -> bool:
        """Whether the price is typed, because the catalogue has none."""
        return self.product.price is None

    @property
    def is_open(self) -> bool:
        """Whether it is an amount instead of a product."""
        return self.product.sku.startswith(open_amounts.SKU)

    @property
    def sold(self) -> SoldLine | None:
        """The line as it would be sold, None while something is wrong."""
        if self.problem or self.unit_price is None:
            return None
        data = self.form.cleaned_data
        return SoldLine(self.product, data["quantity"], self.unit_price, data["discount"] or 0)


@dataclass(kw_only=True)
class Sale:
    """Everything on the page of a sale."""

    station: Station
    customer: Customer | None
    now: dt.datetime
    form: SaleForm
    rows: list[Row] = field(default_factory=list)
    shown: list[Coupon] = field(default_factory=list)
    picked: list[Coupon] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    cards: list[ValueAccount] = field(default_factory=list)
    paying: list[int] = field(default_factory=list)
    matches: list[Product] = field(default_factory=list)
    proof: str = ""
    focus: str = "amount"

    @property
    def key(self) -> uuid.UUID:
        """The key under which this sale counts."""
        return self.form.cleaned_data["key"]

    @property
    def points(self) -> int:
        """How many points are to pay."""
        return self.form.cleaned_data.get("points") or 0

    @cached_property
    def lines(self) -> list[SoldLine]:
        """The lines that could be sold."""
        return [sold for row in self.rows if (sold := row.sold) is not None]

    @cached_property
    def offers(self) -> list[Offer]:
        """The customer's coupons, those that were shown and those that were ticked, with what each would do.

        What was ticked stays, even when somebody else has used it meanwhile: nothing is dropped in silence.
        """
        return coupon_offers.offers(
            customer=self.customer, store=self.station.store, lines=self.lines, now=self.now,
            shown=[*self.shown, *self.picked],
        )  # fmt: skip

    @property
    def coupons(self) -> list[Coupon]:
        """The chosen coupons that fit."""
        return [offer.coupon for offer in self.offers if offer.fits and offer.coupon.pk in self.chosen]

    @cached_property
    def applied(self) -> list[Coupon]:
        """The chosen coupons that fit, none when they do not go together."""
        try:
            coupon_baskets.refuse_clash(self.coupons)
        except CouponRefused:
            return []
        return self.coupons if self.lines else []

    @cached_property
    def best(self) -> coupon_baskets.Discounts:
        """The combination of the customer's coupons that takes most off."""
        fitting = [offer.coupon for offer in self.offers if offer.fits]
        return coupon_baskets.best(coupons=fitting, lines=self.lines, off=0) if self.lines else []

    @property
    def most_off(self) -> int:
        """What the best combination takes off, 0 when nothing better is left to choose."""
        most = sum(amount for __, amount in self.best)
        return most if most > self.bill.off else 0

    @property
    def is_coupon_alone(self) -> bool:
        """Whether a coupon is taken that needs no sale."""
        return not self.rows and len(self.coupons) == 1 and self.coupons[0].batch.value_kind in WITHOUT_SALE

    @cached_property
    def bill(self) -> Bill:
        """What it comes to."""
        return till_quotes.bill(
            store=self.station.store, customer=self.customer, lines=self.lines, now=self.now,
            coupons=self.applied, points=self.points, accounts=self.accounts,
        )  # fmt: skip

    @cached_property
    def purses(self) -> list[Purse]:
        """The gift cards that were shown and what the customer has on account, with what each pays."""
        plain = till_quotes.bill(
            store=self.station.store, customer=self.customer, lines=self.lines, now=self.now,
            coupons=self.applied, points=self.points,
        )  # fmt: skip
        return wallet.purses(
            customer=self.customer, shown=self.cards, chosen=self.paying, to_pay=plain.to_pay, now=self.now
        )

    @property
    def accounts(self) -> list[ValueAccount]:
        """The chosen cards that pay something."""
        return [purse.account for purse in self.purses if purse.pays]

    @property
    def value(self) -> list[tuple[ValueAccount, int]]:
        """How much each chosen card pays."""
        return [(purse.account, purse.pays) for purse in self.purses if purse.pays]

    @property
    def card_tokens(self) -> list[str]:
        """What stands in the form for the gift cards whose code was typed or scanned."""
        return [wallet.token_of(account) for account in self.cards]

    @property
    def needs_proof(self) -> bool:
        """Whether the customer's own points or money are spent, which takes more than a number that identifies."""
        return self.customer is not None and (
            self.points > 0 or any(account.customer_id is not None for account in self.accounts)
        )

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with what was typed."""
        return not self.form.errors and not any(row.problem for row in self.rows) and not self.matches

    @property
    def choices(self) -> list[dict[str, object]]:
        """The offers with what stands for each in the form."""
        return [
            {"offer": offer, "token": _token(offer.coupon), "is_chosen": offer.coupon.pk in self.chosen}
            for offer in self.offers
        ]

    @property
    def shown_tokens(self) -> list[str]:
        """What stands in the form for the coupons whose code was typed or scanned."""
        return [_token(coupon) for coupon in self.shown]

    def forget(self) -> None:
        """Reckon anew after something was added or chosen."""
        for name in ("lines", "offers", "applied", "best", "bill", "purses"):
            self.__dict__.pop(name, None)

    def reject(self, name: str | None, sentence: str) -> None:
        """Say what is wrong, and put the cursor there."""
        self.form.add_error(name, sentence)
        self.focus = name or self.focus


def begin(*, station: Station, customer: Customer | None, now: dt.datetime, proof: str = "") -> Sale:
    """Return an empty sale with a key of its own."""
    data = QueryDict(mutable=True)
    data["key"] = str(uuid.uuid4())
    return read(data, station=station, customer=customer, now=now, proof=proof)


def read(data: QueryDict, *, station: Station, customer: Customer | None, now: dt.datetime, proof: str = "") -> Sale:
    """Read a sale from its form and add what was typed: an amount, a product, a coupon's code."""
    form = SaleForm(data)
    form.full_clean()
    sale = Sale(station=station, customer=customer, now=now, form=form, proof=proof, focus="record")
    _read_lines(sale, data)
    sale.shown = _coupons(data.getlist("shown"))
    sale.picked = _coupons(data.getlist("coupon"))
    sale.chosen = [coupon.pk for coupon in sale.picked]
    sale.cards = wallet.accounts_of(data.getlist("card"))
    sale.paying = [account.pk for account in wallet.accounts_of(data.getlist("pays"))]
    emptied = []
    if (pk := data.get("add", "")).isdecimal():
        _add_product(sale, Product.objects.filter(pk=int(pk[:18]), is_retired=False).first())
        emptied.append("product")
    for name, add in ADDING.items():
        if name not in emptied and form.cleaned_data.get(name) and add(sale):
            emptied.append(name)
    _write_back(sale, data, emptied)
    if data.get("best"):
        sale.picked = [coupon for coupon, __ in sale.best]
        sale.chosen = [coupon.pk for coupon in sale.picked]
        sale.forget()
    if len(sale.coupons) > 1 and sale.lines and not sale.applied:
        sale.reject(None, str(Reason.NOT_COMBINABLE.label))
    if not sale.rows and sale.focus == "record" and not sale.chosen:
        sale.focus = "amount"
    return sale


def check_payment(sale: Sale) -> None:
    """Say what is wrong with coupons and points before a sale is recorded."""
    for offer in sale.offers:
        if offer.coupon.pk in sale.chosen and not offer.fits:
            sale.reject(None, f"{offer.ticket.name}: {offer.reason.label}")
    for purse in sale.purses:
        if purse.is_chosen and purse.reason is not None:
            sale.reject(None, str(purse.reason.label))
    if not sale.rows and not sale.is_coupon_alone:
        sale.reject("amount", _("Type an amount or add a product first."))
    elif sale.lines and sale.points > sale.bill.most_points:
        sale.reject("points", _("At most %(points)d points can pay for this.") % {"points": sale.bill.most_points})


def _read_lines(sale: Sale, data: QueryDict) -> None:
    columns = [data.getlist(f"line_{name}")[:MOST_LINES] for name in LINE_FIELDS]
    removed = data.get("remove", "")
    typed = [dict(zip(LINE_FIELDS, values, strict=True)) for values in zip(*columns, strict=False)]
    keys = [int(one["product"][:18]) for one in typed if one["product"].isdecimal()]
    products = Product.objects.select_related("category").in_bulk(keys)
    for index, one in enumerate(typed):
        product = products.get(int(one["product"][:18])) if one["product"].isdecimal() else None
        if product is None or str(index) == removed:
            continue
        row = _row(product, one)
        if row.form.cleaned_data.get("quantity") != 0:
            sale.rows.append(row)


def _row(product: Product, typed: dict[str, str]) -> Row:
    form = LineForm(typed)
    if not form.is_valid():
        problem = next(iter(next(iter(form.errors.values()))))
        return Row(product=product, form=form, unit_price=None, problem=problem)
    data = form.cleaned_data
    price = product.price if product.price is not None else data["price"]
    row = Row(product=product, form=form, unit_price=price)
    if price is None:
        row.problem = _("This product has no price: type it.")
    elif (data["discount"] or 0) > price * data["quantity"]:
        row.problem = _("The discount is more than the line costs.")
    return row


def _add_amount(sale: Sale) -> bool:
    amount = sale.form.cleaned_data["amount"]
    product = open_amounts.product_of(sale.form.cleaned_data.get("category"))
    text = sale.form["amount"].data.replace(",", ".")
    row = _row(product, {"product": str(product.pk), "quantity": "1", "price": text, "discount": ""})
    row.unit_price = amount
    sale.rows.append(row)
    sale.focus = "record"
    return True


def _find_product(sale: Sale) -> bool:
    text = sale.form.cleaned_data["product"].strip()
    sale.focus = "product"
    on_sale = Product.objects.filter(is_retired=False).exclude(sku__startswith=open_amounts.SKU)
    if exact := on_sale.filter(sku__iexact=text).first():
        return _add_product(sale, exact)
    words = Q(sku__istartswith=text) | Q(name_en__icontains=text) | Q(name_zh__icontains=text)
    first = Q(name_en__istartswith=text) | Q(name_zh__startswith=text)
    ranked = on_sale.filter(words).order_by(Case(When(first, then=0), default=1), "name_en", "pk")
    found = list(ranked[: MOST_MATCHES + 1])
    if len(found) == 1:
        return _add_product(sale, found[0])
    if not found:
        sale.reject("product", _("No product has this name or SKU."))
    elif len(found) > MOST_MATCHES:
        sale.reject("product", _("Many products fit; type more of the name."))
    sale.matches = found[:MOST_MATCHES]
    return False


def _add_product(sale: Sale, product: Product | None) -> bool:
    """Add one piece: to the line that has it already, or on a line of its own."""
    if product is None:
        return False
    sale.focus = "product"
    for row in sale.rows:
        if row.product.pk == product.pk and row.sold is not None and row.sold.quantity < MOST_PIECES:
            data = row.form.data | {"quantity": str(row.sold.quantity + 1)}
            sale.rows[sale.rows.index(row)] = _row(product, data)
            return True
    sale.rows.append(_row(product, {"product": str(product.pk), "quantity": "1", "price": "", "discount": ""}))
    return True


def _find_code(sale: Sale) -> bool:
    sale.focus = "code"
    text = sale.form.cleaned_data["code"]
    try:
        found = misses.look_up(lambda: coupons.find(text) or value_accounts.find_by_code(text), by=sale.station.by)
    except misses.TooManyMisses as error:
        sale.reject("code", str(error))
        return False
    if found is None:
        sale.reject("code", str(Reason.UNKNOWN.label))
    elif isinstance(found, ValueAccount):
        _show_card(sale, found)
    else:
        _show_coupon(sale, found)
    return found is not None


def _show_card(sale: Sale, account: ValueAccount) -> None:
    if account.pk not in [each.pk for each in sale.cards]:
        sale.cards.append(account)
    sale.forget()
    purse = next(purse for purse in sale.purses if purse.account.pk == account.pk)
    if purse.reason is not None:
        sale.reject("code", str(purse.reason.label))
    elif account.pk not in sale.paying:
        sale.paying.append(account.pk)


def _show_coupon(sale: Sale, coupon: Coupon) -> None:
    if coupon.pk not in [each.pk for each in sale.shown]:
        sale.shown.append(coupon)
    sale.forget()
    offer = next(offer for offer in sale.offers if offer.coupon.pk == coupon.pk)
    if offer.fits and coupon.pk not in sale.chosen:
        sale.chosen.append(coupon.pk)
    elif offer.reason is not None:
        sale.reject("code", str(offer.reason.label))


# In this order, so that a coupon sees the whole basket.
ADDING = {"amount": _add_amount, "product": _find_product, "code": _find_code}


def _token(coupon: Coupon) -> str:
    return signing.dumps(coupon.pk, salt=COUPON_SALT)


def _coupons(tokens: list[str]) -> list[Coupon]:
    keys = []
    for token in tokens[:MOST_LINES]:
        try:
            keys.append(signing.loads(token, salt=COUPON_SALT))
        except signing.BadSignature:
            continue
    found = Coupon.objects.select_related("batch__product", "customer").in_bulk(keys)
    return [found[key] for key in dict.fromkeys(keys) if key in found]


def _write_back(sale: Sale, data: QueryDict, emptied: list[str]) -> None:
    """Show the form again without what has become a line or a coupon."""
    sale.forget()
    copy = data.copy()
    for name in emptied:
        copy[name] = ""
    if data.get("all_points"):
        copy["points"] = str(sale.bill.most_points or "")
        sale.forget()
        sale.focus = "proof"
    errors = {name: list(lines) for name, lines in sale.form.errors.items()}
    sale.form = SaleForm(copy)
    sale.form.full_clean()
    for name, lines in errors.items():
        if name not in sale.form.errors:
            sale.form.add_error(None if name == "__all__" else name, lines)

"""What the cashier types into a sale: read from its form, added to the basket, and written back with what is wrong."""

import datetime as dt
import uuid

from django.core import signing
from django.db.models import Case, Q, When
from django.http import QueryDict
from django.utils.translation import gettext as _

from customers.models import Customer, Product
from rewards import coupons, open_amounts, value_accounts
from rewards.coupons import Reason
from rewards.models import Coupon, ValueAccount
from rewards.till import misses, wallet
from rewards.till.baskets import COUPON_SALT, Row, Sale
from rewards.till.forms import MOST_PIECES, LineForm, SaleForm
from rewards.till_actions import Station

MOST_LINES = 200
MOST_MATCHES = 8
LINE_FIELDS = ("product", "quantity", "price", "discount")


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

"""Read a purchases file into the scratch: every value checked, every fault noted with its line. docs/imports.md has the rules."""

import datetime as dt
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from customers.csv_rows import shown
from customers.csv_values import LARGEST_AMOUNT, BadValue, read_moment, read_money, read_text, read_whole
from customers.import_report import ImportReport
from rewards.purchase_scratch import ReceiptScratch

COLUMNS = (
    "store",
    "reference",
    "member_number",
    "occurred_at",
    "sku",
    "product",
    "category",
    "quantity",
    "unit_price",
    "discount",
)
LARGEST_QUANTITY = 9_999
LONGEST = {"reference": 64, "member_number": 32, "sku": 64, "product": 200, "category": 100}
MOST_LINES = 10_000  # of one receipt
CACHED = 20_000
CACHED_PRODUCTS = 200_000  # numbers of 30 bytes; a shop sells the same things all year
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)

type Rows = Iterable[tuple[int, list[str], str]]
type Faults = list[tuple[str, str]]  # column and reason
type Stores = dict[str, tuple[int, ZoneInfo]]


class PurchaseRows:
    """Checks rows and adds the good ones to a scratch.

    Values repeat a lot, so each distinct text is read once: a row whose texts are all known costs a few look-ups.
    """

    def __init__(
        self, *, scratch: ReceiptScratch, report: ImportReport, stores: Stores, digits: int, now: dt.datetime
    ) -> None:
        self._scratch = scratch
        self._report = report
        self._stores = stores
        self._digits = digits
        self._now = now
        self._receipts: dict[tuple[str, ...], int] = {}
        self._products: dict[str, int] = {}
        self._quantities: dict[str, int] = {}
        self._prices: dict[str, int] = {}
        self._discounts: dict[str, int] = {}
        self._caches = (self._quantities, self._prices, self._discounts)

    def read(self, rows: Rows) -> None:
        """Read all rows, then put the receipts in order and note what is held back because of a bad line."""
        receipts, products, (quantities, prices, discounts) = self._receipts, self._products, self._caches
        add_line, longest_product, longest_category = self._scratch.add_line, LONGEST["product"], LONGEST["category"]
        number = 1
        for number, fields, trouble in rows:
            if trouble:
                self._refuse(number, fields, [("", trouble)])
                continue
            store, reference, member, occurred_at, sku, product, category, quantity, unit_price, discount = fields
            try:
                count, price, less = quantities[quantity], prices[unit_price], discounts[discount]
                receipt = receipts[store, reference, member, occurred_at]
                if (
                    0 <= count * price - less <= LARGEST_AMOUNT
                    and len(product) <= longest_product
                    and len(category) <= longest_category
                ):
                    add_line(receipt, (number, products[sku], count, price, less))
                    continue
            except KeyError:
                pass
            self._read_carefully(number, fields)
        self._report.counts["lines"] = number - 1
        self._finish()

    def _read_carefully(self, number: int, fields: list[str]) -> None:
        """Read a row with something new in it, or with something wrong."""
        faults: Faults = []
        heading, (sku, product, category, *amounts) = tuple(fields[:4]), fields[4:]
        values = self._values(sku, product, category, amounts, faults)
        receipt = self._receipts.get(heading)
        if receipt is None:
            key = self._heading(heading, faults)
            receipt = None if faults else self._open(number, heading, key, faults)
        if faults:
            self._refuse(number, fields, faults)
            return
        article = self._products.get(sku)
        if article is None:
            article = self._scratch.product(sku=sku, name=product or sku, category=category)
            self._remember(self._products, sku, article, most=CACHED_PRODUCTS)
        self._scratch.add_line(receipt, (number, article, *values))

    def _values(self, sku: str, product: str, category: str, amounts: list[str], faults: Faults) -> list[int | None]:
        """Check what a line says of the product; return quantity, unit price and discount."""
        if sku not in self._products:
            attempt("sku", faults, read_text, sku, longest=LONGEST["sku"])
        if len(product) > LONGEST["product"]:
            attempt("product", faults, read_text, product, longest=LONGEST["product"])
        if len(category) > LONGEST["category"]:
            attempt("category", faults, read_text, category, longest=LONGEST["category"])
        values = [cache.get(text) for cache, text in zip(self._caches, amounts, strict=True)]
        if None in values:
            quantity, unit_price, discount = amounts
            values = [
                attempt("quantity", faults, read_whole, quantity, smallest=1, largest=LARGEST_QUANTITY),
                attempt("unit_price", faults, read_money, unit_price, digits=self._digits),
                attempt("discount", faults, read_money, discount or "0", digits=self._digits),
            ]
            if None in values:
                return values
            for cache, text, value in zip(self._caches, amounts, values, strict=True):
                self._remember(cache, text, value)
        count, price, less = values
        if less > count * price:
            faults.append(("discount", _("The discount is larger than the line.")))
        elif count * price - less > LARGEST_AMOUNT:
            faults.append(("quantity", _("The line comes to more than the portal can hold.")))
        return values

    def _heading(self, heading: tuple[str, ...], faults: Faults) -> tuple[int | None, int | None]:
        """Check what a line says of its receipt; return the store and the time in microseconds."""
        code, reference, member, occurred_at = heading
        store, zone = self._stores.get(code, (None, EPOCH.tzinfo))
        if store is None:
            faults.append(("store", unknown_store(code)))
        attempt("reference", faults, read_text, reference, longest=LONGEST["reference"])
        attempt("member_number", faults, read_text, member, longest=LONGEST["member_number"], required=False)
        moment = attempt("occurred_at", faults, read_moment, occurred_at, zone=zone, now=self._now)
        return store, moment and (moment - EPOCH) // MICROSECOND

    def _open(self, number: int, heading: tuple[str, ...], key: tuple[int, int], faults: Faults) -> int:
        """Return the receipt's number; a fault is added when an earlier line of the receipt says otherwise."""
        (__, reference, member, __), (store, occurred) = heading, key
        receipt, first_member, first_occurred, first_line = self._scratch.receipt(
            store=store, reference=reference, member=member, occurred=occurred, line=number
        )
        if member != first_member:
            reason = _("Line %(line)s of the same receipt names another member.")
            faults.append(("member_number", reason % {"line": first_line}))
        if occurred != first_occurred:
            faults.append(
                ("occurred_at", _("Line %(line)s of the same receipt has another time.") % {"line": first_line})
            )
        if not faults:
            self._remember(self._receipts, heading, receipt)
        return receipt

    def _remember(self, cache: dict, key: object, value: int, most: int = CACHED) -> None:
        if len(cache) >= most:
            cache.clear()
        cache[key] = value

    def _refuse(self, number: int, fields: list[str], faults: Faults) -> None:
        """Note what is wrong with a line, and that its receipt, as far as one can tell, is spoiled."""
        for field, reason in faults:
            self._report.refuse(number, field, reason)
        if len(fields) > 1 and fields[0] in self._stores and 0 < len(fields[1]) <= LONGEST["reference"]:
            self._scratch.spoil(store=self._stores[fields[0]][0], reference=fields[1], line=number)

    def _finish(self) -> None:
        self._scratch.finish(most_lines=MOST_LINES)
        for number, bad_line in self._scratch.held_back():
            if bad_line:
                reason = _("Not imported, because line %(line)s of the same receipt is bad.") % {"line": bad_line}
            else:
                reason = _("Not imported, because the receipt has more than %(limit)s lines.") % {"limit": MOST_LINES}
            self._report.refuse(number, "reference", reason)


def attempt(column: str, faults: Faults, read: Callable, text: str, **limits: object) -> object:
    """Return what a reader makes of a text, or note its fault and return None."""
    try:
        return read(text, **limits)
    except BadValue as error:
        faults.append((column, str(error)))
        return None


def unknown_store(code: str) -> str:
    if not code:
        return _("Missing.")
    return _("There is no store with the code “%(code)s”; create it first.") % {"code": shown(code)}

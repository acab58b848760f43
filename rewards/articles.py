"""Products of a file or a receipt: found by SKU, or made on the fly with name and category."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from customers import bulk, statements
from customers.models import Category, Product
from customers.statements import Statement
from rewards.purchase_scratch import ReceiptScratch


class Article(NamedTuple):
    """What a receipt needs to know of a product; a model instance for each of 100,000 would weigh ten times as much."""

    pk: int
    sku: str
    category_id: int | None
    earns_points: bool = True


MOST = 200_000  # kept in memory
ATTEMPTS = 3
UNKNOWN = Article(0, "", None)


class Articles:
    """The portal's product for each product number of a file; UNKNOWN until it is made. Known products stay as they are."""

    def __init__(self, scratch: ReceiptScratch) -> None:
        self._scratch = scratch
        self.found: dict[int, Article] = {}

    def __getitem__(self, number: int) -> Article:
        return self.found.get(number, UNKNOWN)

    def find(self, numbers: Iterable[int]) -> None:
        """Look up those that are not known yet."""
        if len(self.found) > MOST:
            self.found.clear()
        missing = set(numbers) - self.found.keys()
        wanted = {sku: number for number, sku, *__ in self._scratch.products(missing)}
        for article in Product.objects.filter(sku__in=wanted).values_list(*Article._fields):
            self.found[wanted[article[1]]] = Article._make(article)

    def create(self, numbers: Iterable[int]) -> int:
        """Make those that the portal lacks, and their categories; return how many. Call it inside the transaction."""
        rows = self._scratch.products(set(numbers) - self.found.keys())
        for (number, *__), article in zip(rows, make_products([row[1:] for row in rows]), strict=True):
            self.found[number] = article
        return len(rows)

    def count_missing(self, numbers: Iterable[int]) -> int:
        """Return how many of them the portal lacks, each counted once, without making them."""
        missing = set(numbers) - self.found.keys()
        self.found.update(dict.fromkeys(missing, UNKNOWN))
        return len(missing)

    def forget(self) -> None:
        """Look everything up anew: a transaction was rolled back, or somebody else made a product."""
        self.found.clear()


def find_or_make(
    wanted: Iterable[tuple[str, str, str]], *, known: dict[str, Article] | None = None
) -> dict[str, Article]:
    """Return the products of some SKUs, each given with the name and the category's code that a new one gets.

    Products that exist, some of which may be `known` to the caller, stay as they are. Two tills may sell the same new product at once: the second finds the first one's.
    """
    rows = {row[0]: row for row in wanted}
    for attempt in range(ATTEMPTS):
        found = (not attempt and known) or existing(rows)
        missing = [rows[sku] for sku in sorted(rows.keys() - found.keys())]
        if not missing:
            return found
        try:
            with transaction.atomic():
                return found | {article.sku: article for article in make_products(missing)}
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
    return found


def existing(skus: Iterable[str]) -> dict[str, Article]:
    """Return the products that exist, by SKU."""
    return answered(statements.run(question(list(skus)))[0])


def question(skus: Collection[str]) -> Statement:
    """Return what reads the products of some SKUs, for `answered`."""
    marks = ", ".join(["%s"] * len(skus)) or "NULL"
    return Statement(
        f"SELECT id, {', '.join(Article._fields[1:])} FROM {Product._meta.db_table} WHERE sku IN ({marks})",  # noqa: S608
        list(skus),
    )


def answered(rows: Iterable[Sequence[Any]]) -> dict[str, Article]:
    """Return the products that were read, by SKU."""
    return {row[1]: Article._make(row) for row in rows}


def make_products(wanted: Sequence[tuple[str, str, str]]) -> list[Article]:
    """Make products from SKU, name and category's code (empty for none), with the categories that lack; return them in order.

    Call it inside the transaction. A SKU that exists raises IntegrityError.
    """
    categories = _categories({category for *__, category in wanted if category})
    keys = bulk.reserve_ids(Product, len(wanted))
    made = [Article(pk, sku, categories.get(category)) for pk, (sku, __, category) in zip(keys, wanted, strict=True)]
    columns = ("id", "sku", "name_en", "name_zh", "category_id", "price", "earns_points", "is_in_stock", "is_retired")
    rows = zip(made, wanted, strict=True)
    bulk.copy_in(
        Product,
        columns,
        [(new.pk, new.sku, name, "", new.category_id, None, True, True, False) for new, (__, name, ___) in rows],
    )
    return made


def _categories(codes: set[str]) -> dict[str, int]:
    known = dict(Category.objects.filter(code__in=codes).values_list("code", "pk"))
    missing = sorted(codes - known.keys())
    keys = bulk.reserve_ids(Category, len(missing))
    rows = [(pk, code, code, "", False) for pk, code in zip(keys, missing, strict=True)]
    bulk.copy_in(Category, ("id", "code", "name_en", "name_zh", "is_sensitive"), rows)
    return known | dict(zip(missing, keys, strict=True))

"""What a merchant writes for django-import-export to take receipts: resources as its manual shows them, with nothing tuned.

    python -m benchmarks.resources RECEIPTS LINES

Run by import_export.py, in a portal that knows the stores, customers and products. A row names what it points at by the
keys that a file has (code, member number, SKU, number of the receipt), found by the library's own ForeignKeyWidget; every
option has its default. Prints the seconds that both files took, and those of the processor.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import django

django.setup()

from import_export.fields import Field  # noqa: E402
from import_export.resources import ModelResource  # noqa: E402
from import_export.widgets import DateTimeWidget, ForeignKeyWidget  # noqa: E402
from tablib import Dataset  # noqa: E402

from customers.models import Customer, Product, Purchase, PurchaseLine, Store  # noqa: E402


class ReceiptWidget(ForeignKeyWidget):
    """Finds a receipt by its number, which is unique in its store, as the manual narrows a widget down."""

    def get_queryset(self, value: str, row: Mapping[str, str], *args: object, **kwargs: object):
        return self.model.objects.filter(store__code=row["store"], till="")


class PurchaseResource(ModelResource):
    """A row is a receipt."""

    store = Field("store", "store", ForeignKeyWidget(Store, "code"))
    customer = Field("customer", "member_number", ForeignKeyWidget(Customer, "member_number"))
    occurred_at = Field("occurred_at", "occurred_at", DateTimeWidget("%Y-%m-%dT%H:%M:%S%z"))

    class Meta:
        model = Purchase
        import_id_fields = ("store", "reference")


class PurchaseLineResource(ModelResource):
    """A row is a line of a receipt."""

    purchase = Field("purchase", "reference", ReceiptWidget(Purchase, "reference"))
    product = Field("product", "sku", ForeignKeyWidget(Product, "sku"))

    class Meta:
        model = PurchaseLine
        import_id_fields = ("purchase", "position")


def main() -> None:
    texts = [Path(name).read_text() for name in sys.argv[1:]]
    begin, worked = time.perf_counter(), time.process_time()
    for resource, text in zip((PurchaseResource(), PurchaseLineResource()), texts, strict=True):
        data = Dataset().load(text, format="csv")
        found = resource.import_data(data, raise_errors=True)
        assert found.totals["new"] == len(data), found.totals
    print("seconds:", time.perf_counter() - begin, time.process_time() - worked)


if __name__ == "__main__":
    main()

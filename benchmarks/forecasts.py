"""BG/NBD on CDNOW against the paper, its hold-out of 39 weeks, and how long a million customers take.

    python benchmarks/forecasts.py [--customers 1000000] [--json FILE]

The calibration set is that of Fader, Hardie, Lee (2005): 2,357 customers, 39 weeks each way. The portal's own code fits it.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from real_data import package_folder  # noqa: E402

from customers import forecasts  # noqa: E402
from customers.forecasts import Rows  # noqa: E402

PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "log-likelihood": -9582.4, "example": 1.226}
WEEKS = 39


def calibration() -> tuple[pd.DataFrame, np.ndarray]:
    """Return x, t_x and T of each customer, and how often each bought in the 39 weeks after."""
    folder = package_folder("lifetimes") / "datasets"
    known = pd.read_csv(folder / "cdnow_customers_summary.csv")
    log = pd.read_csv(folder / "CDNOW_sample.txt", sep=r"\s+", names=["old", "ID", "day", "discs", "dollars"])
    days = log.drop_duplicates(["ID", "day"])
    later = days[days["day"] >= 19971001].groupby("ID").size()
    return known, known["ID"].map(later).fillna(0).to_numpy(float)


def area_under_curve(score: np.ndarray, truth: np.ndarray) -> float:
    """Return the chance that a random buyer is ranked above a random other."""
    ranks = pd.Series(score).rank().to_numpy()
    buyers = truth.sum()
    return float((ranks[truth].sum() - buyers * (buyers + 1) / 2) / (buyers * (len(truth) - buyers)))


def million(count: int, parameters: forecasts.Buying) -> dict[str, float]:
    """Invent customers of 500 days, fit and forecast them; seconds."""
    chance = np.random.default_rng(1)
    ages = chance.integers(1, 500, count) / 7
    people, __ = forecasts.simulate(parameters, age=ages, weeks=0, chance=chance)
    started = time.perf_counter()
    rows, place = forecasts.distinct(x=people.x, last=np.ceil(people.last * 7) / 7, age=people.age)
    found = forecasts.fit(rows)
    fitted = time.perf_counter() - started
    year = forecasts.expected(found, rows, weeks=52)[place]
    forecasts.chance_to_buy(found, rows, weeks=8)
    return {
        "customers": len(year), "distinct": len(rows.x), "fit": round(fitted, 1),
        "all": round(time.perf_counter() - started, 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, default=Path(tempfile.gettempdir()) / "forecasts.json")
    options = parser.parse_args()
    known, later = calibration()
    started = time.perf_counter()
    rows, place = forecasts.distinct(
        x=known["frequency"].to_numpy(float), last=known["recency"].to_numpy(), age=known["T"].to_numpy()
    )
    found = forecasts.fit(rows)
    seconds = time.perf_counter() - started
    one = Rows(np.array([2.0]), np.array([30.43]), np.array([38.86]), np.ones(1))
    figures = dict(zip(("r", "alpha", "a", "b"), found, strict=True))
    figures |= {
        "log-likelihood": forecasts.likelihood(found, rows)[0],
        "example": forecasts.expected(found, one, weeks=WEEKS)[0],
    }
    print(f"{'':16}{'paper':>10}{'portal':>12}")
    for name, published in PUBLISHED.items():
        print(f"{name:16}{published:>10}{figures[name]:>12.4f}")
    forecast = forecasts.expected(found, rows, weeks=WEEKS)[place]
    buys = forecasts.chance_to_buy(found, rows, weeks=WEEKS)[place]
    bought = later > 0
    held = {
        "mean absolute error": float(np.abs(forecast - later).mean()),
        "total": float(forecast.sum() / later.sum() - 1),
        "ranking by expected purchases, AUC": area_under_curve(forecast, bought),
        "ranking by the chance to be alive, AUC": area_under_curve(forecasts.chance_alive(found, rows)[place], bought),
        "chance to buy, AUC": area_under_curve(buys, bought),
        "chance to buy, Brier": float(((buys - bought) ** 2).mean()),
    }
    print("\nhold-out of 39 weeks")
    for name, value in held.items():
        print(f"  {name:40}{value:>9.4f}")
    print("\ndecile  customers  forecast  happened")
    for number, (size, mean, happened) in enumerate(forecasts.deciles(forecast=forecast, happened=later), 1):
        print(f"{number:>6}{size:>11}{mean:>10.2f}{happened:>10.2f}")
    large = million(options.customers, found)
    print(f"\nfit of CDNOW: {seconds:.2f} s, {len(rows.x)} distinct rows; {large}")
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    options.json.write_text(
        json.dumps({"figures": figures, "hold-out": held, "million": large, "versions": versions}, indent=2)
    )
    wrong = [
        name
        for name, published in PUBLISHED.items()
        if abs(figures[name] - published) > (0.06 if name == "log-likelihood" else 0.0011)
    ]
    if wrong:
        raise SystemExit(f"Not the paper's: {wrong}")


if __name__ == "__main__":
    main()

"""Watch thousands of made-up surprises every day, and see how often the portal's intervals are wrong.

    python benchmarks/experiments.py [--experiments 2000] [--seed 7] [--json experiments.json]

Without an effect: how often is "it works" (or any effect) ever said? With one: how often does the interval ever miss it, and
how often is it found? How many customers does the smallest experiment need that finds it in 80 of 100, and what does the
portal say? An ordinary interval, watched as often, stands beside it.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DEBUG", "True")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_site.settings")

import numpy as np
from scipy.stats import norm

from rewards import covariates, proportions, sequences
from rewards.covariates import Moments
from rewards.proportions import Share
from rewards.sequences import Sums

DAYS = 300
AT_ONCE = 500  # experiments in memory together
Z = float(norm.ppf(0.975))


def arrivals(experiments: int, per_day: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Toss a fair coin for everybody who becomes known on a day."""
    gift = rng.binomial(per_day, 0.5, size=(experiments, DAYS))
    return gift, per_day - gift


def shares(
    *, base: float, effect: float, experiments: int, per_day: int, rng: np.random.Generator
) -> tuple[Sums, Sums]:
    """Return both arms on each evening: customers and how many of them came back."""
    arms = []
    for customers, rate in zip(arrivals(experiments, per_day, rng), (base + effect, base), strict=True):
        hits = rng.binomial(customers, rate).cumsum(axis=1)
        arms.append(Sums(customers.cumsum(axis=1), hits, hits))
    return arms[0], arms[1]


def margins(*, effect: float, experiments: int, per_day: int, rng: np.random.Generator) -> tuple[Moments, Moments]:
    """Return both arms on each evening with skewed margins, half of them zero, that the time before explains in part."""
    people = per_day * DAYS
    habit = rng.lognormal(0, 0.8, size=(experiments, people))
    before = habit * rng.lognormal(0, 0.5, size=habit.shape)
    after = habit * rng.lognormal(0, 0.5, size=habit.shape) * (rng.random(habit.shape) < 0.5)
    is_gift = rng.random(habit.shape) < 0.5
    after = after + effect * is_gift
    ends = np.arange(per_day - 1, people, per_day)
    arms = []
    for chosen in (is_gift, ~is_gift):
        columns = (chosen, after, after**2, before, before**2, after * before)
        arms.append(Moments(*((column * chosen).cumsum(axis=1)[:, ends] for column in columns)))
    return arms[0], arms[1]


def verdicts(estimate: np.ndarray, width: np.ndarray, enough: np.ndarray, truth: float) -> dict[str, np.ndarray]:
    """Say of each experiment what was ever said on any evening."""
    return {
        "works": (enough & (estimate - width > 0)).any(axis=1),
        "any effect": (enough & (np.abs(estimate) > width)).any(axis=1),
        "ever missed": (enough & (np.abs(estimate - truth) > width)).any(axis=1),
    }


def watch_shares(base: float, effect: float, experiments: int, per_day: int, seed: int) -> dict[str, float]:
    """Watch shares by the portal's interval and by an ordinary one."""
    gift, control = shares(
        base=base, effect=effect, experiments=experiments, per_day=per_day, rng=np.random.default_rng(seed)
    )
    enough = sequences.is_enough(gift, control, are_shares=True)
    estimate, width = sequences.proportions(gift, control, planned=per_day * DAYS)
    said = verdicts(estimate, width, enough, effect)
    ordinary = Z * np.sqrt(
        gift.variance / np.maximum(gift.customers, 1) + control.variance / np.maximum(control.customers, 1)
    )
    said["ordinary: any effect"] = verdicts(estimate, ordinary, enough, effect)["any effect"]
    return {name: float(values.mean()) for name, values in said.items()}


def watch_margins(effect: float, experiments: int, per_day: int, seed: int, *, with_before: bool) -> dict[str, float]:
    """Watch margins, with or without what was known before."""
    rng, parts = np.random.default_rng(seed), []
    for some in _chunks(experiments):
        gift, control = margins(effect=effect, experiments=some, per_day=per_day, rng=rng)
        arms = covariates.adjusted(gift, control) if with_before else (gift.plain, control.plain)
        enough = sequences.is_enough(*arms, are_shares=False)
        estimate, width = sequences.difference(*arms, planned=per_day * DAYS)
        parts.append(verdicts(estimate, width, enough, effect))
    return {name: float(np.concatenate([part[name] for part in parts]).mean()) for name in parts[0]}


def power(base: float, effect: float, customers: int, experiments: int, rng: np.random.Generator) -> float:
    """Return how often the final interval finds an effect with so many customers in all."""
    each = customers // 2
    pairs = list(
        zip(rng.binomial(each, base + effect, experiments), rng.binomial(each, base, experiments), strict=True)
    )
    low = {
        (gift, control): proportions.newcombe(Share(int(gift), each), Share(int(control), each)).low
        for gift, control in set(pairs)
    }
    return float(np.mean([low[pair] > 0 for pair in pairs]))


def smallest(base: float, effect: float, experiments: int, seed: int) -> int:
    """Return the smallest number of customers in all with a power of 80 %, by halving the steps."""
    low, high = 20, 4 * proportions.needed(base=base, effect=effect)
    while high - low > 10:
        middle = (low + high) // 2
        found = power(base, effect, middle, experiments, np.random.default_rng(seed))
        low, high = (low, middle) if found >= proportions.POWER else (middle, high)
    return high


def still_needed(base: float, effect: float, seen: int, experiments: int, seed: int) -> dict[str, float]:
    """Say how far the number that the portal asks for is from the right one, once so many customers were seen."""
    right = proportions.needed(base=base, effect=effect)
    rates = np.random.default_rng(seed).binomial(seen // 2, base, experiments) / (seen // 2)
    said = np.array([proportions.needed(base=float(rate), effect=effect) for rate in rates])
    off = np.abs(said / right - 1)
    return {"median off": float(np.median(off)), "within 10 %": float((off <= 0.1).mean())}


def _chunks(experiments: int) -> Iterator[int]:
    for start in range(0, experiments, AT_ONCE):
        yield min(AT_ONCE, experiments - start)


def measure(*, experiments: int, seed: int) -> list[dict[str, Any]]:
    """Run everything and return one row for each question."""
    rows: list[dict[str, Any]] = []
    for base in (0.05, 0.3, 0.7):
        for effect in (0.0, 0.05):
            for per_day in (3, 9, 30):
                found = watch_shares(base, effect, experiments, per_day, seed)
                rows.append(
                    {"outcome": f"came back, base {base:.0%}", "effect": effect, "customers": per_day * DAYS, **found}
                )
    for with_before in (False, True):
        for effect in (0.0, 0.2):
            found = watch_margins(effect, experiments, 4, seed, with_before=with_before)
            name = "margin, less what was before" if with_before else "margin"
            rows.append({"outcome": name, "effect": effect, "customers": 4 * DAYS, **found})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, default=Path("experiments.json"))
    options = parser.parse_args()
    began = time.perf_counter()
    rows = measure(experiments=options.experiments, seed=options.seed)
    for row in rows:
        print(
            "  ".join(f"{name} {value:.1%}" if isinstance(value, float) else f"{value}" for name, value in row.items())
        )
    sizes = []
    for base, effect in ((0.1, 0.05), (0.3, 0.05), (0.3, 0.1), (0.6, 0.05)):
        size = {"base": base, "effect": effect, "said": proportions.needed(base=base, effect=effect),
                "right by simulation": smallest(base, effect, 10 * options.experiments, options.seed),
                **still_needed(base, effect, 500, options.experiments, options.seed)}  # fmt: skip
        sizes.append(size)
        print(size)
    took = time.perf_counter() - began
    print(f"{options.experiments} experiments each, watched on {DAYS} days, {took:.0f} s, numpy {np.__version__}")
    options.json.write_text(json.dumps({"watched": rows, "sizes": sizes, "seconds": took}, indent=1))


if __name__ == "__main__":
    main()

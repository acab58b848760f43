"""The intervals of experiments, by simulation with fixed seeds and against published numbers."""

import numpy as np
import pytest

from benchmarks import experiments
from rewards import coins, covariates, pooling, proportions, sequences
from rewards.covariates import Moments
from rewards.proportions import Share
from rewards.sequences import Sums

SEED = 7


def add_up(after: np.ndarray, before: np.ndarray) -> Moments:
    """Add up one arm's customers."""
    return Moments(len(after), after.sum(), (after**2).sum(), before.sum(), (before**2).sum(), (after * before).sum())


def test_newcombe_of_the_worked_example():
    found = proportions.newcombe(Share(56, 70), Share(48, 80))
    assert (round(found.estimate, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


def test_newcombe_with_an_empty_arm_says_nothing():
    found = proportions.newcombe(Share(0, 0), Share(3, 5))
    assert found.low < 0 < found.high


@pytest.mark.parametrize(("effect", "customers"), [(0.05, 2_754), (0.1, 712)])
def test_customers_needed_at_a_base_of_30_percent(effect, customers):
    assert proportions.needed(base=0.3, effect=effect) == customers


def test_more_customers_are_needed_when_the_coin_is_not_even():
    assert proportions.needed(base=0.3, effect=0.05, odds=0.8) > proportions.needed(base=0.3, effect=0.05)


def test_a_base_at_the_edge_still_gives_a_number():
    assert proportions.needed(base=0.0, effect=0.05) > 100
    assert proportions.needed(base=1.0, effect=0.05) > 100


def test_watched_every_day_without_effect_2000_experiments_rarely_say_that_it_works():
    said = experiments.watch_shares(0.3, 0.0, 2_000, 9, SEED)
    assert said["any effect"] <= 0.05
    assert said["works"] <= 0.05
    # The same days and customers, looked at with an ordinary interval: the simulation is not blind.
    assert said["ordinary: any effect"] > 0.2


def test_watched_every_day_a_planted_effect_is_covered_at_the_stated_rate():
    said = experiments.watch_shares(0.3, 0.05, 2_000, 9, SEED)
    assert said["ever missed"] <= 0.05
    assert said["works"] > 0.4


def test_margins_watched_with_what_was_known_before_keep_their_rate_and_find_more():
    none = experiments.watch_margins(0.0, 300, 2, SEED, with_before=True)
    assert none["any effect"] <= 0.05
    plain = experiments.watch_margins(0.3, 300, 2, SEED, with_before=False)
    helped = experiments.watch_margins(0.3, 300, 2, SEED, with_before=True)
    assert helped["ever missed"] <= 0.05
    assert helped["works"] > plain["works"]


def test_the_number_of_customers_said_is_within_a_tenth_of_the_right_one():
    said = proportions.needed(base=0.3, effect=0.1)
    assert abs(experiments.smallest(0.3, 0.1, 2_000, SEED) / said - 1) <= 0.1
    guessed = experiments.still_needed(0.3, 0.05, 500, 500, SEED)
    assert guessed["median off"] <= 0.05
    assert guessed["within 10 %"] >= 0.9


@pytest.mark.long
@pytest.mark.parametrize("base", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("effect", [0.0, 0.05])
@pytest.mark.parametrize("per_day", [3, 9, 30])
def test_the_stated_rate_holds_over_bases_and_sizes(base, effect, per_day):
    assert experiments.watch_shares(base, effect, 2_000, per_day, SEED)["ever missed"] <= 0.05


def test_the_sequence_is_tightest_about_its_planned_size():
    widths = {
        planned: sequences.half_width(2_000, 0.84, planned=planned) for planned in (100, 1_000, 2_000, 4_000, 40_000)
    }
    assert min(widths, key=widths.get) == 2_000


def test_too_few_customers_or_events_show_no_interval():
    few, many, rare = Sums(19, 10, 10), Sums(400, 120, 120), Sums(400, 1, 1)
    assert sequences.watched(few, many, planned=800, are_shares=True) is None
    assert sequences.watched(rare, rare, planned=800, are_shares=True) is None
    assert sequences.watched(many, many, planned=800, are_shares=True) is not None


def test_what_was_before_takes_noise_away_and_never_moves_the_truth():
    rng = np.random.default_rng(SEED)
    before = rng.normal(100, 30, 4_000)
    after = before * 0.8 + rng.normal(0, 15, 4_000)
    gift = rng.random(4_000) < 0.5
    arms = add_up(after[gift], before[gift]), add_up(after[~gift], before[~gift])
    assert covariates.removed(*arms) == pytest.approx(0.72, abs=0.03)
    one, other = covariates.adjusted(*arms)
    theta = np.cov(after, before)[0, 1] / before.var()
    by_hand = after - theta * (before - before.mean())
    assert one.mean - other.mean == pytest.approx(by_hand[gift].mean() - by_hand[~gift].mean(), abs=0.05)
    assert one.variance == pytest.approx(by_hand[gift].var(), rel=0.02)


def test_nothing_before_leaves_the_outcome_as_it_is():
    arm = add_up(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    assert covariates.adjusted(arm, arm)[0] == arm.plain


@pytest.mark.real_coin
def test_the_coin_is_the_same_for_ever_and_another_for_each_experiment():
    keys = [f"birthday:{number}:2027" for number in range(4_000)]
    one = [coins.falls(purpose="trial:1", key=key, odds=5_000) for key in keys]
    assert one == [coins.falls(purpose="trial:1", key=key, odds=5_000) for key in keys]
    two = [coins.falls(purpose="trial:2", key=key, odds=5_000) for key in keys]
    assert abs(sum(one) - 2_000) < 130
    assert abs(sum(a and b for a, b in zip(one, two, strict=True)) - 1_000) < 110
    assert coins.falls(purpose="trial:1", key=keys[0], odds=5_000) is True  # as it was on the first day
    assert sum(coins.falls(purpose="trial:3", key=key, odds=9_000) for key in keys) == pytest.approx(3_600, abs=80)


@pytest.mark.real_coin
def test_another_key_is_another_coin(settings):
    keys = [str(number) for number in range(200)]
    before = [coins.falls(purpose="trial", key=key, odds=5_000) for key in keys]
    settings.COUPON_KEY = "x" * 50
    assert before != [coins.falls(purpose="trial", key=key, odds=5_000) for key in keys]


def test_a_bent_coin_is_noticed_and_a_fair_one_rarely_accused():
    assert coins.is_fair(heads=520, tosses=1_000, odds=5_000)
    assert not coins.is_fair(heads=600, tosses=1_000, odds=5_000)
    assert coins.is_fair(heads=905, tosses=1_000, odds=9_000)
    assert not coins.is_fair(heads=1, tosses=1, odds=0)
    tossed = (np.random.default_rng(SEED).random((300, 400)) < 0.5).cumsum(axis=1)
    accused = [not all(coins.is_fair(heads=int(run[n]), tosses=n + 1, odds=5_000) for n in range(0, 400, 20)) for run in tossed]  # fmt: skip
    assert sum(accused) <= 2


def test_alike_surprises_borrow_much_and_unlike_ones_little():
    alike = pooling.pool([(0.05, 0.04), (0.06, 0.04), (0.04, 0.04), (0.05, 0.04)])
    assert all(0.6 < one.borrowed < 1 and one.interval.estimate == pytest.approx(0.05, abs=0.004) for one in alike.each)
    assert alike.together.high - alike.together.low < alike.each[0].interval.high - alike.each[0].interval.low
    unlike = pooling.pool([(0.30, 0.02), (-0.10, 0.02), (0.05, 0.02), (0.15, 0.02)])
    assert all(one.borrowed < 0.05 for one in unlike.each)
    assert unlike.spread > 3 * alike.spread
    assert pooling.pool([(0.05, 0.04)]) is None


def test_pooling_covers_what_each_surprise_really_does():
    rng, covered, closer = np.random.default_rng(SEED), [], []
    for _round in range(300):
        truth = rng.normal(0.04, 0.03, 8)
        errors = rng.uniform(0.02, 0.06, 8)
        seen = rng.normal(truth, errors)
        found = pooling.pool(list(zip(seen, errors, strict=True)))
        estimates = np.array([one.interval.estimate for one in found.each])
        covered += [one.interval.low <= true <= one.interval.high for one, true in zip(found.each, truth, strict=True)]
        closer.append(((estimates - truth) ** 2).mean() < ((seen - truth) ** 2).mean())
    assert np.mean(covered) >= 0.93
    assert np.mean(closer) > 0.8

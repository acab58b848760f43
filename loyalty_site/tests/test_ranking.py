"""All trials by net effect: what is proven in order, what is not apart, on the page and as a file."""

import csv
import io
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.tests.factories import create_user
from loyalty_site.insights import ranking
from loyalty_site.roles import ensure_roles
from rewards import coins, trials
from rewards.models import Assignment, Surprise, Trial
from rewards.sequences import Interval
from rewards.tests.surprise_factories import DAY, buy, create_surprise, many
from rewards.trials import Occasion
from rewards.uplift import BENT_COIN, Arm, Report

ARM = Arm(assigned=90, counted=80, came_back=30, margin=0, cost=0)


def report(pk: int, margin: tuple[float, float] | None, problem: str = "") -> Report:
    """Make a report that says so: the middle of the margin, and half its width."""
    net = (
        None if margin is None else Interval(estimate=margin[0], low=margin[0] - margin[1], high=margin[0] + margin[1])
    )
    trial = Trial(pk=pk, kind=Trial.Kind.SURPRISE, name=f"T{pk}")
    trial.surprise = Surprise(pk=pk, name=f"T{pk}")
    return Report(
        trial=trial, gift=ARM, control=ARM, problem=problem, came_back=net and Interval(estimate=0, low=-1, high=1),
        margin=net, final=None, needed=1_234, needed_margin=890, variance_removed=0, got_it_too=0,
    )  # fmt: skip


def places(*reports: Report) -> list[tuple[int, str, int | None]]:
    return [(it.trial.pk, group, place) for group, place, it in ranking.ordered(reports)]


def test_what_is_proven_stands_in_order_and_a_larger_guess_below_it():
    found = places(
        report(1, (500, 600)), report(2, (80, 20)), report(3, (300, 50)), report(4, None), report(5, (-90, 30)),
        report(6, (900, 10), BENT_COIN),
    )  # fmt: skip
    assert found == [
        (3, "pays", 1), (2, "pays", 2), (5, "costs", 3), (4, "open", None), (1, "open", None), (6, "no_result", None)
    ]  # fmt: skip


def test_places_are_shared_where_intervals_overlap():
    found = places(report(1, (100, 40)), report(2, (120, 50)), report(3, (50, 9)))
    assert found == [(2, "pays", 1), (1, "pays", 1), (3, "pays", 3)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(-10_000, 10_000), st.integers(1, 10_000)), max_size=30))
def test_noise_never_earns_a_place(margins: list[tuple[int, int]]):
    reports = [report(pk, margin) for pk, margin in enumerate(margins)]
    rows = ranking.ordered(reports)
    assert sorted(it.trial.pk for *__, it in rows) == list(range(len(margins)))
    unproven = False
    for group, place, it in rows:
        net = ranking.net_of(it)
        assert (place is not None) == net.excludes_zero == (group != "open")
        assert not (place is not None and unproven)
        unproven = unproven or place is None
        if place is not None:
            beaten_by = [other for other in reports if ranking.net_of(other).low > net.high]
            assert place == 1 + sum(ranking.net_of(other).excludes_zero for other in beaten_by)


def test_an_unproven_one_says_how_many_more_would_tell():
    (group,) = ranking.groups([report(1, None)])
    assert (group.rows[0].place, group.rows[0].net) == ("", "")
    assert "about 1,300 more customers" in group.rows[0].verdict.text
    (group,) = ranking.groups([report(2, (500, 600))])
    assert "about 890 more customers would tell" in group.rows[0].verdict.text


def tried(*, gift: int, control: int, days_ago: int = 70, **fields) -> Surprise:
    """Let eighty customers be assigned evenly; so many of each side come back, the gift costing nothing more."""
    at = timezone.now() - days_ago * DAY
    surprise = create_surprise(now=at, **fields)
    customers = many(80, enrolled_at=at - 90 * DAY)
    falls = iter([True, False] * 40)
    with patch.object(coins, "falls", lambda **_: next(falls)):
        trials.assign(trial=surprise.trial, occasions=[Occasion(it.pk, f"x:{it.pk}", {}) for it in customers], now=at)
    for is_gift, number in ((True, gift), (False, control)):
        for row in Assignment.objects.filter(trial=surprise.trial, is_gift=is_gift).select_related("customer")[:number]:
            buy(row.customer, at=row.assigned_at + 10 * DAY)
    return surprise


@pytest.fixture
def marketer(db) -> Client:
    user = create_user(email="marketer@example.com", is_staff=True)
    user.groups.add(ensure_roles()["marketer"])
    client = Client()
    client.force_login(user)
    cache.clear()
    return client


def test_the_page_and_the_file_say_the_same(marketer: Client):
    tried(gift=20, control=16, name="Perhaps")
    tried(gift=38, control=4, name="Pastry")
    tried(gift=3, control=36, name="Backfires")
    page = marketer.get("/insights/effects/").content.decode()
    table = page[page.index('id="ranking"') : page.index('id="surprises"')]
    assert table.index("Pays beyond doubt") < table.index("Pastry") < table.index("Backfires") < table.index("Perhaps")
    assert "It pays." in table
    assert "more customers would tell" in table
    response = marketer.get("/insights/effects/net-effect.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert [(row["name"], row["Place"]) for row in rows] == [("Pastry", "1"), ("Backfires", "2"), ("Perhaps", "")]
    assert int(rows[0]["lower end"]) > 0 > int(rows[1]["upper end"])
    assert int(rows[2]["customers still needed"]) > 0
    assert rows[0]["customers still needed"] == ""


def test_without_a_trial_there_is_no_table(marketer: Client):
    assert 'id="ranking"' not in marketer.get("/insights/effects/").content.decode()

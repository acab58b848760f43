"""Twenty thousand steps of random histories against the model of the rulebook, and the books proven after every one of them.

Behind --long. A failure prints the steps that lead to it, and the seed that repeats the run.
"""

import pytest
from django.db import transaction
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from rewards import proof
from rewards.tests.test_books_property import QUIET, History, step

pytestmark = [pytest.mark.django_db, pytest.mark.long]
SEED = 20_260_310
STEPS, AT_ONCE = 20_000, 50


@pytest.fixture(autouse=True)
def _berlin(settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"


_taken = 0


@seed(SEED)
@settings(max_examples=STEPS // AT_ONCE, print_blob=True, **QUIET)
@given(st.lists(step, min_size=AT_ONCE, max_size=AT_ONCE))
def walk(steps: list[tuple]) -> None:
    global _taken
    with transaction.atomic():
        history = History()
        for one in steps:
            history.take(one)
            _taken += 1
            found = proof.prove()
            assert found.faults == [], f"after {one}"
            assert sum(found.trial_balance.values()) == 0
        history.close()
        transaction.set_rollback(True)


def test_20000_steps_leave_the_books_in_balance_after_each_of_them():
    walk()
    assert _taken >= STEPS, _taken

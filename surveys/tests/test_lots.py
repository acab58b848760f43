"""Lots: the HMAC that the docstring promises, spread evenly, and others for each purpose and run."""

import hashlib
import hmac

import pytest

from surveys.lots import drawing, lot


@pytest.mark.parametrize(
    ("purpose", "run", "customer"), [("holdout", 1, 1), ("sample", 42, 123_456_789), ("day", 0, 7)]
)
def test_a_lot_is_the_hmac_of_purpose_run_and_customer(purpose, run, customer):
    digest = hmac.digest(b"surveys.audience v1", f"{purpose}:{run}:{customer}".encode(), hashlib.sha256)
    assert lot(purpose, run, customer) == int.from_bytes(digest[:8]) % 10_000


def test_lots_are_spread_evenly_and_apart_for_each_purpose_and_run():
    held, sampled, other = drawing("holdout", 1), drawing("sample", 1), drawing("holdout", 2)
    people = range(10_000)
    assert abs(sum(held(who) < 2_000 for who in people) - 2_000) < 200
    for second in (sampled, other):
        assert abs(sum(held(who) < 5_000 and second(who) < 5_000 for who in people) - 2_500) < 220

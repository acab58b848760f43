"""Drawing lots: who is asked, who is kept apart, which subject somebody gets."""

import hashlib
import hmac
from collections.abc import Callable

_KEY = b"surveys.audience v1"


def drawing(purpose: str, run_id: int) -> Callable[[int], int]:
    """Return how a run draws for a purpose: of each customer a number from 0 to 9,999.

    The key is part of the programme and not a secret: reruns and audits must agree whatever keys have changed.
    """
    begun = hmac.new(_KEY, f"{purpose}:{run_id}:".encode(), hashlib.sha256)

    def lot(customer_id: int) -> int:
        one = begun.copy()
        one.update(b"%d" % customer_id)
        return int.from_bytes(one.digest()[:8]) % 10_000

    return lot


def lot(purpose: str, run_id: int, customer_id: int) -> int:
    """Return the number that a run draws for one customer."""
    return drawing(purpose, run_id)(customer_id)

"""Drawing lots: who is asked, who is kept apart, which subject somebody gets."""

import hashlib
import hmac

_KEY = b"surveys.audience v1"


def lot(purpose: str, run_id: int, customer_id: int) -> int:
    """Return a number from 0 to 9,999 that a run draws for a customer.

    The key is part of the programme and not a secret: reruns and audits must agree whatever keys have changed.
    """
    digest = hmac.digest(_KEY, f"{purpose}:{run_id}:{customer_id}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:8]) % 10_000

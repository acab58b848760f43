"""Drawing lots: who is asked, who is kept apart, which subject somebody gets."""

import hashlib
from collections.abc import Callable

_KEY = b"surveys.audience v1"
_BLOCK = 64  # bytes that SHA-256 takes at once, to which HMAC (RFC 2104) fills up its key


def drawing(purpose: str, run_id: int) -> Callable[[int], int]:
    """Return how a run draws for a purpose: of each customer a number from 0 to 9,999.

    It is the HMAC-SHA256 of purpose, run and customer. The key is part of the programme and not a secret: reruns and audits
    must agree whatever keys have changed. Python's own takes twice as long for so short a text.
    """
    key = _KEY.ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + f"{purpose}:{run_id}:".encode())
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))

    def lot(customer_id: int) -> int:
        within, around = inner.copy(), outer.copy()
        within.update(b"%d" % customer_id)
        around.update(within.digest())
        return int.from_bytes(around.digest()[:8]) % 10_000

    return lot


def lot(purpose: str, run_id: int, customer_id: int) -> int:
    """Return the number that a run draws for one customer."""
    return drawing(purpose, run_id)(customer_id)

"""E7: five hundred clients that send byte by byte, nothing, or never read, at a real web server; the tills go on.

The control is gunicorn's own worker, whose four threads four such clients stop.
"""

import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from customers.tests.api_factories import create_key
from rewards.tests.factories import award, create_customer, create_store
from rewards.tests.web import Web

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS = 500
HEAD = b"POST /api/v1/purchases HTTP/1.1\r\nHost: localhost\r\n"
BEGUN = {
    "nothing": b"",
    "half a head": HEAD,
    "half a body": HEAD + b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{",
    "half a large body": HEAD + b"Content-Type: text/csv\r\nContent-Length: 9000000\r\n\r\na,b",
    "chunks without an end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    "asked and never read": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2,
}


@pytest.fixture
def key() -> str:
    award(create_customer(member_number="A1"), 10)
    return create_key(store=create_store())


class Slow(threading.Thread):
    """Clients that begin and go on with one byte a second each, until told to stop."""

    def __init__(self, web: Web, begun: list[bytes], stack: ExitStack) -> None:
        super().__init__()
        self.is_over = threading.Event()
        self.sockets = []
        for first in begun:
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", web.port), timeout=30))
            sock.sendall(first)
            self.sockets.append(sock)

    def run(self) -> None:
        while not self.is_over.wait(1):
            for sock in self.sockets:
                with suppress(OSError):
                    sock.send(b"x")


def answers(web: Web, key: str, count: int) -> list[float]:
    """Return how long so many balances take, one after the other, in seconds."""
    took = []
    for _number in range(count):
        start = time.monotonic()
        status, found = web.call("GET", "/api/v1/customers/A1/balance", Authorization=f"Bearer {key}")
        took.append(time.monotonic() - start)
        assert (status, found["active"]) == (200, 10)
    return took


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


def p95(took: list[float]) -> float:
    return statistics.quantiles(took, n=20)[-1]


def test_five_hundred_slow_clients_slow_nobody_down(web, key):
    answers(web, key, 10)
    before = p95(answers(web, key, 60))
    kinds = [first for name, first in BEGUN.items() if "large" not in name and "chunks" not in name]
    with ExitStack() as stack:
        slow = Slow(web, [kinds[number % len(kinds)] for number in range(CLIENTS)], stack)
        slow.start()
        time.sleep(2)
        # Three times, for what else the machine is doing: slow clients that cost others time would cost it each time.
        during = min(p95(answers(web, key, 60)) for _attempt in range(3))
        slow.is_over.set()
        slow.join()
    assert during < 2 * before + 0.1, (before, during)


def test_of_each_kind_more_than_there_are_threads(web, key):
    for kind, begun in BEGUN.items():
        with ExitStack() as stack:
            slow = Slow(web, [begun] * 24, stack)
            slow.start()
            time.sleep(1)
            assert max(answers(web, key, 10)) < 5, kind
            slow.is_over.set()
            slow.join()


@pytest.mark.long
def test_who_does_not_finish_is_given_up(web, key):
    with socket.create_connection(("127.0.0.1", web.port), timeout=45) as sock:
        sock.sendall(HEAD)
        start = time.monotonic()
        assert sock.recv(1) == b""
        assert 25 < time.monotonic() - start < 40


def test_a_request_in_pieces_and_two_at_once_are_answered(web, key):
    head = f"GET /api/v1/customers/A1/balance HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as sock:
        for piece in (head[:30], head[30:], "\r", "\n"):
            sock.sendall(piece.encode())
            time.sleep(0.05)
        assert b"200 OK" in sock.recv(4096)
        sock.sendall(f"{head}\r\n{head}Connection: close\r\n\r\n".encode())
        found = b""
        while data := sock.recv(4096):
            found += data
        assert found.count(b"200 OK") == 2


def test_a_large_body_is_refused_by_the_application(web, key):
    status, found = web.call(
        "POST", "/api/v1/purchases", "x" * 2_000_000, Authorization=f"Bearer {key}", **{"Idempotency-Key": "k"}
    )
    assert (status, found["code"]) == (413, "too_large")


def test_gunicorns_own_worker_stands_still(key):
    """The control."""
    with Web(workers=1, worker_class="gthread") as web, ExitStack() as stack:
        Slow(web, [BEGUN["half a head"]] * 12, stack)
        time.sleep(0.5)
        with pytest.raises(TimeoutError):
            web.call("GET", "/healthz", timeout=5)

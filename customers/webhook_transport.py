"""One POST to a shop's system: pinned to the address that was checked, within 15 seconds, no redirect, nothing believed.

The sockets are ours because that is the point: the connection goes to the resolved address while TLS is verified against
the name. http.client speaks HTTP over it and follows nothing by itself.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from customers.webhook_addresses import BadAddress, Resolve, Target, read, resolve

SECONDS = 15
CONNECT_SECONDS = 5
MOST_READ = 16 * 1024  # read politely, so that the other side may finish; nothing of it is looked at
MOST_WAIT = 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: a status, or a short word for what went wrong; seconds to wait when the other side says so."""

    status: int | None = None
    error: str = ""
    retry_after: int = 0

    @property
    def is_delivered(self) -> bool:
        """Whether the other side has taken it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the other side never wants to hear again."""
        return self.status == 410

    @property
    def is_endpoints_fault(self) -> bool:
        """Whether another message would fare no better right now; a refusal of this one says nothing of the others."""
        if self.status is None:
            return True
        return not self.is_delivered and (
            self.status >= 500 or self.status < 400 or self.status in (401, 403, 404, 429)
        )


def post(
    *,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    ask: Resolve = socket.getaddrinfo,
    seconds: float = SECONDS,
) -> Answer:
    """Send a body once and return what came of it; raises nothing that the network or the address may cause."""
    try:
        target = read(url)
        return _exchange(target, resolve(target, ask=ask), body, headers, seconds)
    except BadAddress as error:
        return Answer(error=error.code)
    except ssl.SSLCertVerificationError:
        return Answer(error="certificate")
    except TimeoutError:
        return Answer(error="timeout")
    except ssl.SSLError:
        return Answer(error="tls")
    except http.client.HTTPException:
        return Answer(error="not_http")
    except OSError:
        return Answer(error="connection")


def _exchange(target: Target, address: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    with socket.create_connection((address, target.port), timeout=min(CONNECT_SECONDS, seconds)) as raw:
        raw.settimeout(seconds)
        with _deadline(raw, seconds) as is_over:
            try:
                line = tls_context().wrap_socket(raw, server_hostname=target.host) if target.is_secure else raw
                with line:
                    return _ask(line, target, body, headers, is_over)
            except (OSError, http.client.HTTPException) as error:
                if is_over():
                    raise TimeoutError from error
                raise


def _ask(
    line: socket.socket, target: Target, body: bytes, headers: Mapping[str, str], is_over: Callable[[], bool]
) -> Answer:
    client = http.client.HTTPConnection(target.host, target.port)
    client.sock = line
    client.request("POST", target.path, body, {**headers, "Host": target.host_header, "Connection": "close"})
    reply = client.getresponse()
    if is_over():  # half a head is no answer, whatever it began with
        raise TimeoutError
    answer = Answer(status=reply.status, retry_after=_seconds(reply.getheader("Retry-After", "")))
    with suppress(OSError, http.client.HTTPException):
        reply.read(MOST_READ)
    return answer


@contextmanager
def _deadline(line: socket.socket, seconds: float) -> Iterator[Callable[[], bool]]:
    """Cut the connection when the time is over: a timeout of the socket begins anew with every byte that trickles in."""
    over = threading.Event()
    twin = line.dup()  # TLS takes the first one away

    def cut() -> None:
        over.set()
        with suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)

    clock = threading.Timer(seconds, cut)
    clock.daemon = True
    clock.start()
    try:
        yield over.is_set
    finally:
        clock.cancel()
        clock.join()
        twin.close()


@cache
def tls_context() -> ssl.SSLContext:
    """Verify certificates against the system's authorities, and the name against the certificate."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _seconds(text: str) -> int:
    """Read Retry-After where it is a number; its other form, a date, is not worth the trouble."""
    return min(int(text), MOST_WAIT) if text.isascii() and text.isdigit() and len(text) < 9 else 0

"""A gunicorn worker that gives a request to a thread only when it has arrived.

The worker `gthread` gives a connection to a thread as soon as its first byte is there, and the thread then waits for the
rest as long as the client likes: eight clients that send a byte now and then stop eight threads, and the shop. Here the one
thread that watches all connections collects each request, which costs a slow client's memory and nobody's time. Proxies that
buffer do the same; not all of them do. docs/operations.md#slow-clients
"""

import re
import selectors
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

ARRIVAL_SECONDS = 30  # in which a request has to be here
SEND_SECONDS = 20  # in which a client that reads nothing is given up
HEAD_BYTES = 64 * 1024
WHOLE_BYTES = 1024 * 1024  # larger bodies are read by a thread, in at most half of the threads
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Arriving:
    """A request of which a part is here."""

    conn: Any
    deadline: float
    data: bytearray = field(default_factory=bytearray)
    head: int = 0  # where the body begins
    wanted: int = 0  # bytes in all; 0 while the head is not complete

    @property
    def is_large(self) -> bool:
        """Whether the body is too large to be collected, or of a length that nobody knows."""
        return self.wanted > self.head + WHOLE_BYTES

    @property
    def is_here(self) -> bool:
        return bool(self.wanted) and (self.is_large or len(self.data) >= self.wanted)

    def add(self, data: bytes) -> None:
        """Take in what came; a head that is too long counts as complete, for the parser to refuse."""
        seen = max(0, len(self.data) - 3)
        self.data += data
        if self.wanted:
            return
        end = self.data.find(b"\r\n\r\n", seen)
        if end >= 0:
            self.head = end + 4
            head = bytes(self.data[: self.head])
            length = _LENGTH.search(head)
            body = WHOLE_BYTES + 1 if _CHUNKED.search(head) else int(length[1]) if length else 0
            self.wanted = self.head + body
        elif len(self.data) > HEAD_BYTES:
            self.wanted = len(self.data)


class PatientWorker(ThreadWorker):
    """gthread, patient with slow clients at nobody's cost. For plain HTTP; HTTPS is ended by a proxy."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arriving: dict[int, Arriving] = {}
        self.large: deque[Arriving] = deque()
        self.large_running: set[int] = set()

    def enqueue_req(self, conn: Any) -> None:
        """Collect a request before a thread gets it; the first look is at once, for most are here already."""
        if self.cfg.is_ssl:
            super().enqueue_req(conn)
            return
        conn.init()
        conn.data_ready = True
        left = struct.pack("ll", SEND_SECONDS, 0)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, left)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, left)
        conn.sock.setblocking(False)
        request = Arriving(conn, time.monotonic() + ARRIVAL_SECONDS)
        request.add(conn.parser.unreader.take_buffered())
        self.arriving[id(conn)] = request
        if not self._read(request):
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.read_on, request))

    def read_on(self, request: Arriving, sock: socket.socket) -> None:
        """Take in what a connection has sent since."""
        if self._read(request):
            self.poller.unregister(sock)

    def _read(self, request: Arriving) -> bool:
        """Take in what is there; return whether there is nothing more to wait for."""
        if not request.is_here:
            try:
                data = request.conn.sock.recv(64 * 1024)
            except BlockingIOError:
                return False
            except OSError:
                data = b""
            if not data:
                self._close(request)
                return True
            request.add(data)
        if not request.is_here:
            return False
        if request.is_large and len(self.large_running) >= max(1, self.cfg.threads // 2):
            self.large.append(request)
        else:
            self._start(request)
        return True

    def _start(self, request: Arriving) -> None:
        del self.arriving[id(request.conn)]
        request.conn.parser.unreader.buf.write(request.data)
        if request.is_large:
            self.large_running.add(id(request.conn))
        super().enqueue_req(request.conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Let the next large body in when one is done."""
        if id(conn) in self.large_running:
            self.large_running.remove(id(conn))
            if self.large:
                self._start(self.large.popleft())
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Give up the requests that did not arrive in time."""
        super().murder_pending()
        now = time.monotonic()
        for request in [one for one in self.arriving.values() if one.deadline <= now]:
            if request in self.large:
                self.large.remove(request)
            else:
                self.poller.unregister(request.conn.sock)
            self._close(request)

    def _close(self, request: Arriving) -> None:
        del self.arriving[id(request.conn)]
        self.nr_conns -= 1
        request.conn.close()

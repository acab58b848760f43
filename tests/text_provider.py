"""A provider of text messages over HTTP that misbehaves on demand, behind the interfaces of Twilio, Sinch, 46elks, BulkSMS
and D7 Networks.

`ways` says by recipient what happens: `error` takes the message and answers 500, `cut` takes it and breaks the line, `hang`
takes it and never answers, `refused` answers 400, `account` 401, `throttled` 429, `moved` leads elsewhere, `drop` breaks the
line without taking it. `taken` is the referee: what it really took, in order.
"""

import json
import socket
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

STATUS = {"error": 500, "refused": 400, "account": 401, "throttled": 429, "moved": 307}
TAKES = ("", "error", "cut", "hang")


class TextProvider:
    """The server, in threads of its own."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.requests: Counter[str] = Counter()
        self.ways: dict[str, str] = {}
        self.over = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                provider.answer(self, *read(body))

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/send"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, number: str, text: str) -> None:
        """Take a message or not, and say what the recipient's way asks for."""
        way = self.ways.get(number, "")
        self.requests[number] += 1
        if way in TAKES:
            self.taken.append((number, text))
        match way:
            case "cut" | "drop":
                request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                request.connection.close()
                return
            case "hang":
                self.over.wait(60)
                return
        body = json.dumps({"id": f"provider-{len(self.taken)}", "message": f"{way or 'queued'} for {number}"}).encode()
        request.send_response(STATUS.get(way, 200))
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        if way == "throttled":
            request.send_header("Retry-After", "7")
        if way == "moved":
            request.send_header("Location", self.url)
        request.end_headers()
        request.wfile.write(body)

    def numbers(self) -> list[str]:
        """Return the recipients of what was taken."""
        return [number for number, _text in self.taken]

    def close(self) -> None:
        """End the server."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def read(body: str) -> tuple[str, str]:
    """Return recipient and text of a request, whichever provider's interface it is written for."""
    if not body.startswith("{"):
        form = {name.lower(): values[0] for name, values in parse_qs(body).items()}
        return form["to"], form.get("body") or form["message"]
    found = json.loads(body)
    if "messages" in found:
        [message] = found["messages"]
        [number] = message["recipients"]
        return f"+{number}", message["content"]
    to = found["to"]
    return to[0] if isinstance(to, list) else to, found["body"]

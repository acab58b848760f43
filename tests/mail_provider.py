"""A mail provider over HTTP that misbehaves on demand: enough of Postmark's, Resend's and Mailgun's interfaces for the surveys'
mailer.

The first word of an address chooses what happens to its mail: `hang-…` takes it and never answers, `reset-…` takes it and
breaks the line, `error-…` takes it and answers 500, `garbage-…` takes it and answers no JSON, `throttle-…` refuses it with
429 the first time, `invalid-…` refuses it for good, `drop-…` breaks the line without taking it. Resend's interface knows a
message again by its Idempotency-Key; the second time it answers as it should. Mailgun's takes many recipients in one call:
one invalid address refuses it whole, and one that misbehaves lets the whole call misbehave.
"""

import asyncio
import json
import re
import socket
import struct
import threading
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

TAKES = ("hang", "reset", "error", "garbage")


class MailProvider:
    """The server, in a thread of its own. `accepted` is the referee: the survey messages that it really took, in order."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.requests: Counter[str] = Counter()
        self.calls: list[list[str]] = []  # the recipients of each call of Mailgun's
        self.mails: dict[str, dict[str, str]] = {}  # what each recipient got of it, filled in
        self.keys: dict[str, dict[str, Any]] = {}
        self.is_well = False  # from then on every address is served
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks: set[asyncio.Task] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _c, value in (line.partition(":") for line in lines[1:])
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                path = lines[0].split()[1]
                if path.endswith("/messages"):
                    await self._answer_mailgun(parse_qs(body.decode(), keep_blank_values=True), writer)
                else:
                    await self._answer(path, headers, json.loads(body), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(asyncio.current_task())
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], body: Any, writer: asyncio.StreamWriter) -> None:
        is_resend = path.startswith("/emails")
        to = body["to"][0] if is_resend else body["To"]
        way = "" if self.is_well else to.partition("@")[0].partition("-")[0]
        self.requests[to] += 1
        key = headers.get("idempotency-key")
        if key in self.keys:
            earlier, answer = self.keys[key]["body"], self.keys[key]["answer"]
            self._write(writer, 200, answer) if earlier == body else self._write(writer, 409, {})
        elif way == "drop":
            self._reset(writer)
        elif way == "throttle" and self.requests[to] == 1:
            self._write(writer, 429, {}, "Retry-After: 7\r\n")
        elif way == "invalid":
            self._write(writer, 422, {"ErrorCode": 300, "Message": f"Invalid 'To' address: '{to}'."})
        else:
            metadata = json.loads(body["headers"]["X-Metadata"]) if is_resend else body["Metadata"]
            self.accepted.append(metadata["survey_message"])
            number = f"provider-{len(self.accepted)}"
            answer = {"id": number} if is_resend else {"ErrorCode": 0, "Message": "OK", "MessageID": number, "To": to}
            if key:
                self.keys[key] = {"body": body, "answer": answer}
            await self._say(way, answer, writer)

    async def _answer_mailgun(self, form: dict[str, list[str]], writer: asyncio.StreamWriter) -> None:
        to = form["to"]
        self.calls.append(to)
        self.requests.update(to)
        ways = [] if self.is_well else [email.partition("@")[0].partition("-")[0] for email in to]
        way = next((way for way in ways if way not in ("well", "c")), "")
        if way == "drop":
            self._reset(writer)
        elif way == "throttle" and max(self.requests[email] for email in to if email.startswith("throttle")) == 1:
            self._write(writer, 429, {}, "Retry-After: 7\r\n")
        elif "invalid" in ways:
            self._write(writer, 400, {"message": "to parameter is not a valid address. please check documentation"})
        elif way == "forbidden":
            self._write(writer, 401, {"message": "Forbidden"})
        else:
            variables = json.loads(form.get("recipient-variables", ["{}"])[0])
            for email in to:
                own = variables.get(email, {})
                self.mails[email] = {name: _filled(value[0], own) for name, value in form.items()}
                self.accepted.append(self.mails[email]["v:survey_message"])
            await self._say(way, {"id": f"<{len(self.calls)}@mailgun>", "message": "Queued. Thank you."}, writer)

    async def _say(self, way: str, answer: Any, writer: asyncio.StreamWriter) -> None:
        match way:
            case "hang":
                await asyncio.sleep(3600)
            case "reset":
                self._reset(writer)
            case "error":
                self._write(writer, 500, {"Message": "Sorry"})
            case "garbage":
                self._write(writer, 200, "<html>it works</html>")
            case _:
                self._write(writer, 200, answer)

    def _write(self, writer: asyncio.StreamWriter, status: int, body: Any, headers: str = "") -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
        writer.write(head.encode() + data)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def _stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _filled(text: str, variables: dict[str, str]) -> str:
    """Put the recipient's values into their places, once, as they are."""
    return re.sub(r"%recipient\.([^%]+)%", lambda found: variables.get(found[1], found[0]), text)

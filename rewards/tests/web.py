"""The portal's web server over the database of a test, for clients that speak HTTP and for being killed."""

import http.client
import json
import sys
from contextlib import suppress
from typing import Any, Self

import psutil

from customers.tests.test_limits import ROOT, environment_of_this_database
from tests.servers import Server, wait_until

WORKER = "loyalty_site.web_worker.PatientWorker"


class Web(Server):
    """gunicorn as in production; loaded once and then forked, so that a killed worker is back at once."""

    def __init__(self, *, workers: int = 2, worker_class: str = WORKER, **environment: str) -> None:
        super().__init__()
        self.workers, self.worker_class = workers, worker_class
        self.environment = environment_of_this_database() | {"VAR_DIR": str(self.directory)} | environment
        (self.directory / "static").mkdir()

    def start(self) -> Self:
        command = [
            sys.executable, "-m", "gunicorn", "loyalty_site.wsgi", "--preload", "--bind", f"127.0.0.1:{self.port}",
            "--worker-class", self.worker_class, "--workers", str(self.workers), "--threads", "4", "--no-control-socket",
        ]  # fmt: skip
        self.process = self.spawn(command, cwd=ROOT, env=self.environment)
        wait_until(self.answers, process=self.process, name="gunicorn", log=self.directory / "log", seconds=60)
        return self

    def answers(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.call("GET", "/healthz")[0] == 200
        return False

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 30, **headers: str) -> tuple[int, Any]:
        """Send one request on a connection of its own and return status and body. Raises OSError or HTTPException."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Host": "localhost", "Content-Type": "application/json"} | headers)
            answer = connection.getresponse()
            found = answer.read().decode()
            return answer.status, json.loads(found) if answer.getheader("Content-Type", "").endswith("json") else found
        finally:
            connection.close()

    def kill_a_worker(self, number: int) -> None:
        """Kill one worker, as a crash or the kernel does."""
        if workers := psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                workers[number % len(workers)].kill()

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

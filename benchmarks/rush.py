"""How long 64 redeemers wait who all show the same coupon at the same moment, for twenty coupons one after the other.

    python benchmarks/rush.py [--databases sqlite postgres] [--coupons 20] [--redeemers 64] [--json FILE]

The redeemers are threads in four processes, each with a connection of its own to a durable database; for every coupon all begin
together. *won* must be one for each coupon, *refused* all the others, each with the reason `used`; anything else ends the run.
*p99* is over all of them, in seconds, the winner and the refused alike; the bar is 2. Who was told to ask again, since the lock
was not to be had in time, asks again within that wait, and is counted in *again*.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.coupons import PREPARE, Portals  # noqa: E402
from tests.servers import Postgres  # noqa: E402

BAR = 2.0
PROCESSES = 4


def redeem_when_told(threads: int) -> None:
    """Be one process: read a coupon, let every thread redeem it at once, say who won and how long each waited."""
    import django

    django.setup()
    from django.db import connection

    start = threading.Barrier(threads)

    def one(number: int, code: str, place: int) -> tuple[str, float, int]:
        connection.ensure_connection()
        start.wait(timeout=60)
        begin = time.perf_counter()
        said, again = answer(code, f"{code}:{place}:{number}")
        return said, time.perf_counter() - begin, again

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _n: (connection.ensure_connection(), start.wait(timeout=60)), range(threads)))
        print("ready", flush=True)
        for line in sys.stdin:
            code, place = json.loads(line)
            print(json.dumps(list(pool.map(lambda n: one(n, code, place), range(threads)))), flush=True)  # noqa: B023


def answer(code: str, key: str) -> tuple[str, int]:
    """Find, validate and redeem as a till does; return the outcome and how often the lock was not to be had."""
    from django.db import OperationalError
    from django.utils import timezone

    from rewards import coupons, redemption

    for again in range(10):
        try:
            redemption.redeem(
                coupon=coupons.find(code), request_key=key, now=timezone.now(), basket=2_000, discount=500
            )
        except coupons.CouponRefused as refused:
            return refused.reason.value, again
        except OperationalError as error:
            if "lock" not in str(error):
                raise
        else:
            return "won", again
    return "never", 10


def rush(portals: Portals, number: int, redeemers: int) -> dict[str, Any]:
    """Let all processes redeem coupon after coupon; return what was said and how long it took."""
    portal = portals.clone("rush")
    __, __, said = portal.run("-c", PREPARE, "1", str(number))
    command = [sys.executable, __file__, "--threads", str(redeemers // PROCESSES)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=ROOT, env=portal.environment, **pipes) for _n in range(PROCESSES)]
    assert all(process.stdout.readline() == "ready\n" for process in processes)
    heard: list[tuple[str, float, int]] = []
    for _pk, _batch, code, _sealed in json.loads(said.splitlines()[-1]):
        for place, process in enumerate(processes):
            process.stdin.write(json.dumps([code, place]) + "\n")
            process.stdin.flush()
        for process in processes:
            heard += json.loads(process.stdout.readline())
    for process in processes:
        process.communicate()
    counts = Counter(outcome for outcome, _seconds, _again in heard)
    assert counts == {"won": number, "used": number * (redeemers - 1)}, counts
    waits = sorted(seconds for _outcome, seconds, _again in heard)
    return {
        "database": portals.kind, "won": counts["won"], "refused": counts["used"], "again": sum(row[2] for row in heard),
        "median": waits[len(waits) // 2], "p99": waits[int(len(waits) * 0.99)], "slowest": waits[-1],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--coupons", type=int, default=20)
    parser.add_argument("--redeemers", type=int, default=64)
    parser.add_argument("--json", type=Path, default=Path("rush.json"), help="where to write the figures")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads:
        redeem_when_told(options.threads)
        return
    rows = []
    server = Postgres(durable=True).start() if "postgres" in options.databases else None
    try:
        with tempfile.TemporaryDirectory(prefix="rush-") as folder:
            for kind in options.databases:
                portals = Portals(kind, Path(folder), server if kind == "postgres" else None)
                rows.append(rush(portals, options.coupons, options.redeemers))
    finally:
        if server:
            server.close()
    print("database    won  refused  again  median s   p99 s  slowest s")
    for row in rows:
        print("{database:9} {won:5} {refused:8,} {again:6} {median:9.3f} {p99:7.3f} {slowest:10.3f}".format(**row))
    print(f"bar: p99 {BAR} s")
    options.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()

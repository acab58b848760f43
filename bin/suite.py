"""Run the tests once on SQLite and once on PostgreSQL, each with servers of its own, and add up the results.

bin/test                                       everything but the long runs
bin/test rewards/tests/test_ledger.py -k lot   anything else goes to pytest
bin/test --sqlite        only this database
bin/test --postgres      only this database
bin/test --long          the long runs, too
bin/test --no-browser    without the journeys in a browser (not in CI)
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers import find_browser  # noqa: E402 (the path comes first)

NO_TESTS = 5  # pytest's exit code when a selection matches nothing
NO_BROWSER = """
The journeys need a real browser, and no Chromium or Chrome was found or could be installed.
Install one (Debian: apt install chromium fonts-noto-cjk), or name its program: CHROMIUM=/path/to/chrome bin/test
To run everything else: bin/test --no-browser"""


def run_quietly(*command: str) -> bool:
    """Run a step of an installation; its output is shown only when it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last_words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-3:])
        print(f"`{' '.join(command)}` failed:\n{last_words}", file=sys.stderr)
    return done.returncode == 0


def provide_browser() -> str | None:
    """Return an installed browser, installing one where that is possible without asking anybody."""
    if program := find_browser():
        return program
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser journeys ...", flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        packages = ["--no-install-recommends", "chromium", "fonts-noto-cjk"]
        if run_quietly("apt-get", "update", "-qq") and run_quietly("apt-get", "install", "-y", "-qq", *packages):
            return find_browser()
    print("Fetching Playwright's Chromium for the browser journeys ...", flush=True)
    run_quietly(sys.executable, "-m", "playwright", "install", "chromium")
    return find_browser()


def run_tests(database: str, arguments: list[str]) -> tuple[int, Counter[str]]:
    """Run pytest on one database and return its exit code and its counts."""
    print(f"\n=== {database} ===", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        tally = Path(directory) / "tally.json"
        command = [sys.executable, "-m", "pytest", "--tally", str(tally), *arguments]
        if database == "PostgreSQL":
            command.append("--postgres")
        with subprocess.Popen(command, cwd=ROOT) as process:
            try:
                code = process.wait()
            except BaseException:
                process.terminate()  # pytest stops its servers, then itself
                raise
        return code, Counter(json.loads(tally.read_text())) if tally.exists() else Counter()


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    arguments = sys.argv[1:]
    if "--help" in arguments or "-h" in arguments:
        print(__doc__)
        return 0
    chosen = [name for option, name in (("--sqlite", "SQLite"), ("--postgres", "PostgreSQL")) if option in arguments]
    arguments = [argument for argument in arguments if argument not in ("--sqlite", "--postgres")]
    is_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    if "--no-browser" in arguments and is_ci:
        sys.exit("CI never leaves the browser journeys out: run bin/test without --no-browser.")
    if "--no-browser" not in arguments:
        if (program := provide_browser()) is None:
            sys.exit(NO_BROWSER)
        os.environ["CHROMIUM"] = program
    if not any((ROOT / argument.partition("::")[0]).exists() for argument in arguments):
        # The whole suite, on every core; a few files are quicker in one process.
        arguments = ["-n", str(min(4, os.cpu_count() or 1)), *arguments]
    codes, total = set(), Counter[str]()
    for database in chosen or ["SQLite", "PostgreSQL"]:
        code, counts = run_tests(database, arguments)
        codes.add(code)
        total += counts
    failed = total["failed"] + total["error"]
    if not failed and codes - {0, NO_TESTS}:
        failed = 1  # pytest itself broke off
    if codes == {NO_TESTS}:
        print("\nNo test matched.", file=sys.stderr)
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"\n{total['passed']} passed, {failed} failed{skipped}", flush=True)
    return 1 if failed or codes == {NO_TESTS} else 0


if __name__ == "__main__":
    sys.exit(main())

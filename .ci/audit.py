"""Ask the advisory service about every locked package: a known vulnerability fails, an unreachable service is only noted.

`.ci/accepted-vulnerabilities` may hold exceptions, one a line: `ID UNTIL-DATE reason`. After its date an exception is void.
"""

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACCEPTED = ROOT / ".ci/accepted-vulnerabilities"


def accepted() -> set[str]:
    lines = ACCEPTED.read_text().splitlines() if ACCEPTED.exists() else []
    exceptions = [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]
    today = datetime.now(UTC).date()
    return {name for name, until, _reason in exceptions if date.fromisoformat(until) >= today}


def main() -> int:
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--disable-pip",
        "--require-hashes",
        "--requirement",
        "requirements.txt",
    ]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError, TypeError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"Notice: the advisory service could not be asked, so nothing is known today ({reason}).")
        return 0
    asked = [package for package in packages if "skip_reason" not in package]
    if len(asked) < len(packages):
        print(f"Notice: {len(packages) - len(asked)} of {len(packages)} packages are unknown to the advisory service.")
    excepted = accepted()
    found = [(package, flaw) for package in asked for flaw in package["vulns"] if flaw["id"] not in excepted]
    for package, flaw in found:
        fixed = ", ".join(flaw["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {flaw['id']}, fixed in {fixed}")
    print(f"{len(asked)} packages looked up, {len(found)} known vulnerabilities.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

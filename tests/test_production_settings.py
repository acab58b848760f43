"""Production settings are complete or the portal does not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def production() -> dict[str, str]:
    """Return an environment as production has it, and nothing of this process's own."""
    lines = (ROOT / ".ci/production.env").read_text().splitlines()
    wanted = dict(line.rstrip("'").split("='", 1) for line in lines if line and not line.startswith("#"))
    return {"PATH": os.environ["PATH"], "VAR_DIR": os.environ["VAR_DIR"]} | wanted


def check(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_production_settings_pass_the_deploy_check_without_a_warning() -> None:
    done = check(production())
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.parametrize(
    "change",
    [
        {"SECRET_KEY": None},
        {"SECRET_KEY": "short"},
        {"SECRET_KEY": "development-only-" + "0" * 60},
        {"LEDGER_KEYS": None},
        {"LEDGER_KEYS": "1:short"},
        {"LEDGER_KEYS": "k3Jq8Wz5tX2nV7bM4cR9yL6pF1sD0gA8"},
        {"COUPON_KEY": None},
        {"COUPON_KEY": "short"},
        {"ALLOWED_HOSTS": None},
        {"ALLOWED_HOSTS": "*"},
        {"ALLOWED_HOSTS": "loyalty.example.com,*"},
        {"DEBUG": "yes"},
        {"DATABASE_URL": "mysql://localhost/x"},
        {"REDIS_URL": None},
        {"MAILER": None},
        {"MAILER_OPTIONS": "not json"},
        {"DEFAULT_FROM_EMAIL": None},
        {"SITE_URL": None},
        {"PROGRAMME_CURRENCY": "XYZ"},
        {"TIME_ZONE": "Mars/Olympus"},
        {"SHOP_LANGUAGE": "de"},
        {"TRUSTED_PROXY_COUNT": "-1"},
        {"POINT_LIMITS": '{"cashier": [500, 200, 10]}'},
        {"POINT_LIMITS": '{"cashier": [200, 500]}'},
        {"POINT_LIMITS": '{"barista": [200, 500, 10]}'},
        {"VALUE_LIMITS": '{"manager": [-1, 500]}'},
        {"VALUE_LIMITS": '{"manager": "200"}'},
    ],
    ids=lambda change: "-".join(f"{name}={value}"[:40] for name, value in change.items()),
)
def test_a_missing_or_weak_setting_stops_the_start(change: dict[str, str | None]) -> None:
    environment = production()
    for name, value in change.items():
        if value is None:
            environment.pop(name)
        else:
            environment[name] = value
    # Settings alone: a whole start for each of these would take a second.
    command = [sys.executable, "-c", "import loyalty_site.settings"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr.splitlines()[-1]
    for name in change:
        assert name in done.stderr.splitlines()[-1]


def test_debug_settings_do_not_pass_as_production() -> None:
    done = check(production() | {"DEBUG": "True"})
    assert done.returncode != 0
    assert "security.W018" in done.stderr

"""The settings of a portal in production, for one of a benchmark's own: with DEBUG, Django keeps every query it sends."""

import os
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(*, database_url: str, directory: Path | str, **own: str) -> dict[str, str]:
    """Return this process's environment with that of production, this database and directory, and settings of its own."""
    lines = (ROOT / ".ci/production.env").read_text().splitlines()
    pairs = [pair for line in lines if line and not line.startswith("#") for pair in shlex.split(line)]
    settings = {
        "DATABASE_URL": database_url, "VAR_DIR": str(directory), "DEBUG": "False", "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL": "False", "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "loyalty_site.settings",
    }  # fmt: skip
    found = os.environ | dict(pair.split("=", 1) for pair in pairs) | settings | own
    found.pop("PYTHONDONTWRITEBYTECODE", None)  # no merchant's server compiles the portal at every start
    return found

"""Reading the environment: small, strict, loud on nonsense."""

import json
import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def env(name: str, default: str | None = None) -> str:
    """Return a text from the environment; `NAME_FILE` may name a file that holds it.

    Raises ImproperlyConfigured when it is missing and has no default.
    """
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}.") from error
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set; the README lists what it should hold.")
    return value


def env_bool(name: str, default: bool) -> bool:
    """Return True or False; anything but these two words is refused."""
    value = os.environ.get(name, str(default))
    if value not in ("True", "False"):
        raise ImproperlyConfigured(f"{name} must be True or False, not {value!r}.")
    return value == "True"


def env_int(name: str, default: int) -> int:
    """Return a whole number."""
    value = os.environ.get(name, str(default))
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def env_list(name: str, default: str = "") -> list[str]:
    """Return the parts of a comma-separated list."""
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


def env_json(name: str) -> dict[str, Any]:
    """Return a JSON object, empty when the variable is not set."""
    try:
        value = json.loads(env(name, "{}"))
    except json.JSONDecodeError as error:
        raise ImproperlyConfigured(f"{name} is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} must be a JSON object.")
    return value


def env_limits(name: str, default: dict[str, list[int]]) -> dict[str, list[int]]:
    """Return how much each role may do: `{"cashier": [200, 500]}` names what changes, the other roles keep the default.

    The first figure is the limit each time, the second that of a day.
    """
    limits = env_json(name)
    for role, figures in limits.items():
        expected = default.get(role)
        is_sound = (
            expected is not None
            and isinstance(figures, list)
            and len(figures) == len(expected)
            and all(type(figure) is int and figure >= 0 for figure in figures)
            and figures[0] <= figures[1]
        )
        if not is_sound:
            example = json.dumps(default)
            raise ImproperlyConfigured(f"{name} must look like {example}, whole numbers, each time no more than a day.")
    return default | limits


def env_secret(name: str, *, debug: bool, shortest: int = 50) -> str:
    """Return a secret; only DEBUG has a development default."""
    value = env(name, f"development-only-{name.lower()}-" + "0" * 40 if debug else None)
    if not debug and (len(value) < shortest or value.startswith("development-only")):
        raise ImproperlyConfigured(f"{name} must be a random text of at least {shortest} characters.")
    return value


def env_keys(name: str, *, debug: bool) -> dict[int, bytes]:
    """Return numbered keys from `1:secret,2:secret`; the highest number signs, all verify."""
    keys: dict[int, bytes] = {}
    default = f"1:development-only-{name.lower()}-" + "0" * 40 if debug else None
    for part in env(name, default).split(","):
        number, colon, secret = part.strip().partition(":")
        if not colon or not number.isdecimal() or not 1 <= int(number) <= 255 or (not debug and len(secret) < 32):
            raise ImproperlyConfigured(
                f"{name} must look like 1:secret,2:secret with secrets of 32 characters or more."
            )
        keys[int(number)] = secret.encode()
    return keys


def env_targets(name: str) -> list[str]:
    """Return a list of IP addresses, each with a port behind the last colon: 10.0.0.5:443."""
    targets = env_list(name)
    for target in targets:
        address, _colon, port = target.rpartition(":")
        try:
            is_target = str(ip_address(address)) == address and port.isdecimal() and 1 <= int(port) <= 65535
        except ValueError:
            is_target = False
        if not is_target:
            raise ImproperlyConfigured(f"{name} must list addresses with their ports, such as 10.0.0.5:443.")
    return targets

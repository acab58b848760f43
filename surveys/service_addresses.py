"""Addresses of messaging services as the library Apprise writes them: only of services whose host is fixed.

So no address can lead into the shop's own network. What makes one reach elsewhere or skip checks (a port, a path, a query)
is refused, and no redirect is followed.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import apprise

from customers import webhook_secrets

# Seconds until a connection stands and until an answer is there; a redirected or repeated message would be a second one.
QUERY = "cto=5&rto=15&redirect=no&retry=0"


class Service(NamedTuple):
    """How people call a service, and what may follow its scheme in an address."""

    name: str
    shape: str


def scheme_of(url: str, *, services: Mapping[str, Service], whole: str = "") -> str:
    """Return which of the services an address is of, by its scheme; empty when it is of none or the library cannot use it.

    `whole` is the address with a recipient, where the library needs one to judge it.
    """
    scheme, _mark, rest = url.strip().partition("://")
    service = services.get(scheme)
    if service is None or not re.fullmatch(service.shape, rest):
        return ""
    return scheme if apprise.Apprise.instantiate(whole or url.strip()) is not None else ""


def seal(url: str) -> bytes:
    """Encrypt an address for the database, for it holds a secret."""
    return webhook_secrets.seal(url.strip().encode())


def unseal(sealed: bytes) -> str:
    """Decrypt an address. Raises webhook_secrets.SecretUnreadable."""
    return webhook_secrets.unseal(sealed).decode()

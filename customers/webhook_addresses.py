"""Where a webhook may go: to the public internet by https, and nowhere else.

The name is resolved once and the connection is made to the very address that was looked at, so a name that changes its
mind in between gains nothing. Every address of the name must be public. WEBHOOK_INTERNAL_TARGETS names the exceptions, each
as address and port.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

PORTS = (443, 8443)
LONGEST_URL = 500
type Address = IPv4Address | IPv6Address
type Resolve = Callable[..., list[tuple[Any, ...]]]

# What a URL may be made of at all (RFC 3986): no blank, no backslash, no control, nothing beyond ASCII.
_URL = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%#]+")
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
# The last part of a name that a resolver reads as a number: 127.1, 0x7f.1, 017700000001, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNICAST = IPv6Network("2000::/3")
# Within the public block: tunnels and translations that carry an IPv4 address, and what is set aside for special purposes.
_SPECIAL = [IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_RELAYS = IPv4Address("192.88.99.0"), IPv4Address("192.88.99.255")


class BadAddress(Exception):
    """A webhook cannot go there. `code` is a short word for lists; the text is for staff."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart."""

    is_secure: bool
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}"


def read(url: str) -> Target:
    """Take a URL apart, asking nobody. Raises BadAddress."""
    if len(url) > LONGEST_URL or not _URL.fullmatch(url):
        raise BadAddress("url", _("This is not a plain web address. Write a name with other letters as xn--…"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress("url", _("This is not a web address.")) from error
    schemes = ("https", "http") if settings.DEBUG else ("https",)
    if parts.scheme not in schemes:
        raise BadAddress("scheme", _("The address must begin with https://"))
    if "@" in parts.netloc:
        raise BadAddress("userinfo", _("Leave user name and password out; the signature proves who calls."))
    if "#" in url:
        raise BadAddress("url", _("Leave out what follows #; a server never sees it."))
    host = (parts.hostname or "").removesuffix(".")
    port = (443 if parts.scheme == "https" else 80) if port is None else port
    _refuse_odd_host(host, port)
    if port not in PORTS and not (settings.DEBUG and port == 80) and port not in _internal_ports():
        raise BadAddress("port", _("Only the ports 443 and 8443 are open for webhooks."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port, path)


def resolve(target: Target, *, ask: Resolve = socket.getaddrinfo) -> str:
    """Return the one address to connect to. Raises BadAddress unless every address of the name may be reached."""
    try:
        answers = ask(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadAddress("name", _("This name is not known.")) from error
    found = [str(answer[4][0]) for answer in answers]
    if not found or not all(_is_open(text, target.port) for text in found):
        raise BadAddress("internal", _("This name leads into a private network."))
    return found[0]


def is_public(text: str) -> bool:
    """Return whether an address belongs to the public internet, whatever it is dressed up as."""
    try:
        address: Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        inside = any(address in network for network in _SPECIAL)
        return address.scope_id is None and address in _UNICAST and not inside and address.is_global
    relay = _RELAYS[0] <= address <= _RELAYS[1]
    return address.is_global and not (address.is_multicast or address.is_reserved or relay)


def _is_open(text: str, port: int) -> bool:
    return is_public(text) or f"{text}:{port}" in settings.WEBHOOK_INTERNAL_TARGETS


def _internal_ports() -> set[int]:
    return {int(entry.rpartition(":")[2]) for entry in settings.WEBHOOK_INTERNAL_TARGETS}


def _refuse_odd_host(host: str, port: int) -> None:
    """Let only names through; an address in digits, however it is written, must be one of ours and plainly so."""
    if f"{host}:{port}" in settings.WEBHOOK_INTERNAL_TARGETS:
        return
    if not _NAME.fullmatch(host) or len(host) > 253 or _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise BadAddress("host", _("The address needs a name, not a number."))

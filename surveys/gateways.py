"""Gateways for text messages: accounts at providers that take a phone number and a text, by the library Apprise.

Only providers are let in whose answer says whether they took the message, who write Chinese as well as English without
being told, and whose host is fixed (docs/decisions/0021-text-messages-in-the-ledger-of-mails.md).
"""

from typing import NamedTuple

from django.utils.translation import gettext as _

from surveys import service_addresses
from surveys.models import Gateway
from surveys.service_addresses import Service


class Provider(NamedTuple):
    """A provider: its address as it has to be written, and what stands between the address and a recipient."""

    service: Service
    example: str
    joint: str = "/"


_FROM = r"\+?[0-9]{5,15}"
_KEY = r"[A-Za-z0-9]{6,64}"
PROVIDERS = {
    "twilio": Provider(Service("Twilio", rf"{_KEY}:{_KEY}@{_FROM}"), "twilio://SID:TOKEN@+49151…"),
    "sinch": Provider(
        Service("Sinch", rf"{_KEY}:{_KEY}@{_FROM}(\?region=(us|eu))?"), "sinch://PLAN:TOKEN@+49151…?region=eu"
    ),
    "elks": Provider(Service("46elks", rf"{_KEY}:{_KEY}@(\+[0-9]{{5,15}}|[A-Za-z][A-Za-z0-9]{{2,10}})"), "elks://USER:PASSWORD@SHOP"),
    "bulksms": Provider(
        Service("BulkSMS", r"[A-Za-z0-9-]{6,64}:[A-Za-z0-9!*_.~-]{6,64}@"), "bulksms://TOKEN-ID:SECRET@", joint=""
    ),
    "d7sms": Provider(Service("D7 Networks", r"[A-Za-z0-9_.-]{6,450}@"), "d7sms://TOKEN@", joint=""),
}  # fmt: skip
SERVICES = {scheme: provider.service for scheme, provider in PROVIDERS.items()}
_PROBE = "+12025550123"


class BadGateway(Exception):
    """This is not the address of an account that we may send through."""

    def __init__(self) -> None:
        names = ", ".join(f"{each.example} ({each.service.name})" for each in PROVIDERS.values())
        super().__init__(
            _("Write the account's address as Apprise does, without recipients: %(names)s") % {"names": names}
        )


def read(url: str) -> str:
    """Return the service of an account's address. Raises BadGateway."""
    if found := service_addresses.scheme_of(url, services=SERVICES, whole=to(url, number=_PROBE)):
        return found
    raise BadGateway


def to(url: str, *, number: str) -> str:
    """Return an account's address with one recipient, as the library takes it."""
    base, _mark, query = url.strip().partition("?")
    provider = PROVIDERS.get(base.partition("://")[0])
    joint = provider.joint if provider else "/"
    return f"{base}{joint}{number}/?{query}{'&' if query else ''}{service_addresses.QUERY}"


def aim(*, gateway: Gateway, url: str) -> Gateway:
    """Point a gateway at an account; the address holds a secret and is kept sealed. It is not saved. Raises BadGateway."""
    gateway.service = read(url)
    gateway.sealed_url = service_addresses.seal(url)
    return gateway

"""Hands text messages over through a gateway, one after the other, each once (`surveys.courier` says what a courier owes).

The library Apprise says only yes or no and writes the reason, with the number, to its log. Whether a message that did not
succeed may have left all the same is what the ledger lives from. So the library's own code runs here with a stand-in for
`requests` that keeps what the network said, and without its log.
"""

import logging
from collections.abc import Iterable
from types import FunctionType
from typing import Any

import apprise
import requests

from customers.webhook_secrets import SecretUnreadable
from surveys import gateways, service_addresses
from surveys.courier import Parcel
from surveys.models import Gateway
from surveys.outcomes import STOPPING, Outcome, Verdict, by_answer, described, never_connected
from surveys.suppression import mask

_SILENT = logging.Logger("surveys.messenger", level=logging.CRITICAL + 1)


class Wire:
    """Stands in for the module `requests` while one message is handed over, and keeps what came of it."""

    def __init__(self) -> None:
        self.answer: requests.Response | None = None
        self.error: requests.RequestException | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request as `requests.post` does."""
        try:
            self.answer = requests.post(*args, **kwargs)  # noqa: S113 (the library gives one)
        except requests.RequestException as error:
            self.error = error
            raise
        return self.answer


class Messenger:
    """Carries the text messages of the campaigns of one gateway."""

    replay_account = ""  # no provider among them takes a message again without sending it twice

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def deliver(self, parcels: Iterable[Parcel]) -> None:
        """Hand over one parcel after the other; stop where those behind would fare no better."""
        for parcel in parcels:
            plugin = self._plugin(parcel.mail.number)
            if isinstance(plugin, Outcome):
                parcel.outcome = plugin
            else:
                parcel.is_begun = True
                parcel.outcome = _send(plugin, number=parcel.mail.number, text=parcel.mail.text)
            if parcel.outcome.verdict in STOPPING:
                return

    def send_one(self, *, number: str, text: str) -> Outcome:
        """Send a message that is in no ledger, and return what came of it."""
        plugin = self._plugin(number)
        return plugin if isinstance(plugin, Outcome) else _send(plugin, number=number, text=text)

    def _plugin(self, number: str) -> Any:
        """Return the library's way to a number, or the outcome when there is none."""
        try:
            url = service_addresses.unseal(self._gateway.sealed_url)
            is_known = gateways.read(url) == self._gateway.service
        except (SecretUnreadable, gateways.BadGateway):
            is_known = False
        if not is_known:
            return Outcome(Verdict.REFUSED_ACCOUNT, "The gateway's address cannot be read; enter it anew.")
        plugin = apprise.Apprise.instantiate(gateways.to(url, number=number))
        if plugin is None or not _aims_at(plugin, number):
            return Outcome(Verdict.FAILED, "The provider does not take a number of this form.")
        return plugin


def _send(plugin: Any, *, number: str, text: str) -> Outcome:
    """Let the library send one text to one number and judge what came of it; raises nothing that a network may raise."""
    wire, own = Wire(), type(plugin).send
    plugin.logger = _SILENT
    names = {**own.__globals__, "requests": wire}
    watched = FunctionType(own.__code__, names, own.__name__, own.__defaults__, own.__closure__)
    watched.__kwdefaults__ = own.__kwdefaults__
    try:
        is_taken = watched(plugin, body=text)
    except Exception as error:
        return Outcome(Verdict.UNCERTAIN, _without(number, described(error)))
    if is_taken and wire.answer is not None:
        return Outcome(Verdict.ACCEPTED, provider_id=_id_of(wire.answer))
    if wire.error is not None:
        verdict = Verdict.UNREACHABLE if never_connected(wire.error) else Verdict.UNCERTAIN
        return Outcome(verdict, _without(number, described(wire.error)))
    if wire.answer is None:
        return Outcome(Verdict.UNCERTAIN, "The library did not say what it did.")
    return by_answer(wire.answer, wire.answer.status_code, _without(number, _said(wire.answer)))


def _aims_at(plugin: Any, number: str) -> bool:
    """Return whether the number, and it alone, is the recipient: without any, some providers would write to the sender."""
    return len(plugin.targets) == 1 and number[1:] in str(plugin.targets[0])


def _read(answer: requests.Response) -> dict[str, Any]:
    """Return what an answer holds: an object, or the first of a list."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    found = found[0] if isinstance(found, list) and found else found
    return found if isinstance(found, dict) else {}


def _id_of(answer: requests.Response) -> str:
    """Return the provider's own number of the message, where it says one."""
    found = _read(answer)
    return next((str(found[name])[:200] for name in ("sid", "id", "request_id") if found.get(name)), "")


def _said(answer: requests.Response) -> str:
    """Return an answer in words."""
    found = _read(answer)
    words = next((str(found[name]) for name in ("message", "detail", "text") if found.get(name)), answer.reason or "")
    return f"{answer.status_code} {words}"


def _without(number: str, text: str) -> str:
    """Return a provider's words without the recipient."""
    return mask(text.replace(number, "<number>").replace(number[1:], "<number>"))[:300]

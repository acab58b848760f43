"""What the API says when it does not do what was asked: RFC 9457 problem details, with codes from a closed list.

Each app adds the refusals of its own domain with `add_refusals`; docs/api.md and /api/docs list them all.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.enrolment import AlreadyEnrolled

MEDIA_TYPE = "application/problem+json"
TYPE = "/api/problems/{}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the closed list: HTTP status, title, and whether it is stored and replayed under the same key."""

    status: int
    title: str | Promise
    is_kept: bool = False


KINDS: dict[str, Kind] = {
    "malformed": Kind(400, gettext_lazy("The request cannot be read")),
    "idempotency_key_missing": Kind(400, gettext_lazy("A write needs an Idempotency-Key")),
    "unauthorized": Kind(401, gettext_lazy("No valid API key")),
    "scope_missing": Kind(403, gettext_lazy("The API key may not do this")),
    "not_found": Kind(404, gettext_lazy("Not found")),
    "method_not_allowed": Kind(405, gettext_lazy("This method does not exist here")),
    "request_running": Kind(409, gettext_lazy("The first request with this key is still running")),
    "length_required": Kind(411, gettext_lazy("The length of the body is missing")),
    "too_large": Kind(413, gettext_lazy("The body is too large")),
    "unsupported_media_type": Kind(415, gettext_lazy("The body must be JSON")),
    "invalid": Kind(422, gettext_lazy("Some values cannot be accepted")),
    "idempotency_key_reused": Kind(422, gettext_lazy("This Idempotency-Key belongs to another request")),
    "too_many_requests": Kind(429, gettext_lazy("Too many requests")),
    "too_many_misses": Kind(429, gettext_lazy("Too many searches without a result")),
    "internal": Kind(500, gettext_lazy("Something went wrong here")),
    "busy": Kind(503, gettext_lazy("Too much is going on at once")),
}
"""Every problem that the API knows."""


@dataclass(slots=True)
class Fault:
    """One value that cannot be accepted: a JSON pointer (RFC 6901) into the body, or the name of a parameter, and why."""

    pointer: str
    detail: str


@dataclass(eq=False)
class Problem(Exception):
    """Stop here and say why. `more` are members of its own."""

    code: str
    detail: str
    faults: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The entry of the closed list."""
        return KINDS[self.code]

    @property
    def body(self) -> str:
        """The problem details as JSON, in the active language."""
        members: dict[str, Any] = {
            "type": TYPE.format(self.code), "title": str(self.kind.title), "status": self.kind.status,
            "detail": self.detail, "code": self.code,
        }  # fmt: skip
        if self.faults:
            members["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in self.faults]
        return json.dumps(members | self.more, ensure_ascii=False)

    def response(self) -> HttpResponse:
        """The problem as an HTTP response."""
        return HttpResponse(self.body, status=self.kind.status, content_type=MEDIA_TYPE, headers=dict(self.headers))


def not_found(pointer: str = "", detail: str = "") -> Problem:
    """Return the answer for whatever does not exist or is hidden from the key."""
    detail = detail or _("There is nothing here, or nothing that this key may see.")
    return Problem("not_found", detail, [Fault(pointer, detail)] if pointer else [])


def invalid(pointer: str, detail: str) -> Problem:
    """Return the answer for one value that cannot be accepted."""
    return Problem("invalid", _("See errors for what to change."), [Fault(pointer, detail)])


def later(code: str, detail: str, *, seconds: int) -> Problem:
    """Return a problem that goes away by waiting."""
    return Problem(code, detail, headers={"Retry-After": str(seconds)})


@dataclass(frozen=True, slots=True)
class Refusal:
    """How an exception of the domain reads: its code, and members of its own drawn from the exception."""

    code: str
    more: Callable[[Any], Mapping[str, Any]] = lambda error: {}


_refusals: dict[type[Exception], Refusal] = {}


def add_refusals(kinds: Mapping[str, str | Promise], refusals: Mapping[type[Exception], Refusal]) -> None:
    """Add an app's own codes, all of them 409 and kept, and the exceptions that they stand for."""
    KINDS.update({code: Kind(409, title, is_kept=True) for code, title in kinds.items()})
    _refusals.update(refusals)


def refusal_of(error: Exception) -> Problem | None:
    """Return how a refusal of the domain reads, None when the exception is none."""
    for kind in type(error).__mro__:
        if refusal := _refusals.get(kind):
            return Problem(refusal.code, str(error), more=refusal.more(error))
    return None


add_refusals(
    {"customer_exists": gettext_lazy("This customer is enrolled already")},
    {AlreadyEnrolled: Refusal("customer_exists", lambda error: {"field": error.field})},
)

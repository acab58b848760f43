"""What every operation of the API goes through: size, key, scope, rate, then the work; writes are answered once per key."""

import functools
import hmac
import json
import logging
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.utils import contribute_operation_callback
from pydantic import BaseModel
from pydantic_core import from_json

from customers import api_alerts, api_keys, api_requests, limits
from customers.api.problems import Fault, Problem, invalid, later, not_found, refusal_of
from customers.api_requests import Answer, KeyReused, Refused, Request, StillRunning
from customers.limits import Limit, LimitReached
from customers.models import ApiKey
from customers.models.api_key import Scope
from customers.statements import Rows, Statement

logger = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024
LONGEST_KEY = 255
MISSES, MISS_SECONDS = 20, 300
BUSY_SECONDS = 2


class JsonParser(Parser):
    """Read JSON strictly: UTF-8 only, no NaN, bounded depth, no half of a surrogate pair; read once per request."""

    def parse_body(self, request: HttpRequest) -> Any:
        if not hasattr(request, "parsed_body"):
            request.parsed_body = from_json(request.body, allow_inf_nan=False)
        return request.parsed_body


class Door:
    """Lets a request in that holds a live key with the scope; the key is then `request.auth`."""

    openapi_security_schema = {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of the form lp_<id>_<secret>, made in the admin for each till or shop.",
    }

    def __init__(self, scope: Scope, *, is_write: bool) -> None:
        self.scope, self.is_write = scope, is_write
        self.query_names: frozenset[str] = frozenset()

    def __call__(self, request: HttpRequest) -> ApiKey:
        refuse_large(request)
        key = authenticate(request)
        request.search_stopped_for = _count_request(request, key)
        if not key.may(self.scope):
            sentence = _("This needs the scope %(scope)s, which the key does not have.") % {"scope": self.scope}
            raise Problem("scope_missing", sentence, more={"scope": self.scope.value})
        if request.method == "POST" and request.content_type != "application/json":
            raise Problem("unsupported_media_type", _("Send the body as application/json."))
        if self.is_write:
            idempotency_key(request)
        if unknown := sorted(request.GET.keys() - self.query_names):
            raise invalid(unknown[0], _("This parameter does not exist here."))
        return key


def refuse_large(request: HttpRequest) -> None:
    """Refuse a body above 1 MB before reading it, and one that does not say how long it is."""
    length = request.headers.get("Content-Length", "")
    if "Transfer-Encoding" in request.headers and not length:
        raise Problem("length_required", _("Send Content-Length; a body in chunks is not read."))
    if length.isdecimal() and int(length) > LARGEST_BODY:
        raise Problem("too_large", _("A body may have at most %(limit)d bytes.") % {"limit": LARGEST_BODY})


def authenticate(request: HttpRequest) -> ApiKey:
    """Return the key that a request carries; cookies and everything else are ignored."""
    kind, _blank, text = request.headers.get("Authorization", "").partition(" ")
    now = timezone.now()
    key = api_keys.recognise(text=text.strip(), now=now) if kind.lower() == "bearer" else None
    if key is None:
        sentence = _("Send a live key as “Authorization: Bearer lp_…”.")
        raise Problem("unauthorized", sentence, headers={"WWW-Authenticate": "Bearer"})
    try:
        api_keys.note_use(key=key, now=now)
    except OperationalError:
        logger.warning("Could not note the use of API key %s", key.public_id)
    return key


def idempotency_key(request: HttpRequest) -> str:
    """Return the key of a write: 1 to 255 visible ASCII characters."""
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= LONGEST_KEY or not all("!" <= letter <= "~" for letter in key):
        sentence = _("Send an Idempotency-Key of 1 to 255 visible ASCII characters with every write.")
        raise Problem("idempotency_key_missing", sentence)
    return key


def business_key(request: HttpRequest) -> str:
    """Return the key under which a write is booked for ever: of this client and this Idempotency-Key, 60 characters."""
    digest = sha256(idempotency_key(request).encode()).hexdigest()[:47]
    return f"api:{request.auth.client}:{digest}"


def look_up[Found](request: HttpRequest, find: Callable[[], Found | None], *, pointer: str, detail: str) -> Found:
    """Return what is found; nothing found is a miss, and after 20 misses within 5 minutes nothing is looked up any more.

    Each request has reserved one of those 20 before it looks, so that of a thousand guesses at the same moment no more are
    evaluated, whatever the number of processes; `settle_search` gives it back.
    """
    if request.search_stopped_for:
        raise _stopped(request.search_stopped_for)
    found = find()
    if found is None:
        request.has_missed = True
        raise not_found(pointer, detail)
    return found


def settle_search(request: HttpRequest) -> None:
    """Give back what a request has reserved, or count its miss and tell staff of the last one; after its transaction."""
    key = getattr(request, "searching_key", None)
    if key is None or request.search_stopped_for:
        return
    if limits.settle(_misses(key), is_miss=getattr(request, "has_missed", False)):
        logger.error("API client %s searched too often without a result", key.client)
        try:
            api_alerts.tell_of_misses(key=key, misses=MISSES, seconds=MISS_SECONDS, now=timezone.now())
        except DatabaseError:
            logger.exception("Could not tell staff about API client %s", key.client)


def _misses(key: ApiKey) -> Limit:
    return Limit(f"misses:{key.client}", MISSES, MISS_SECONDS)


def _stopped(seconds: int) -> Problem:
    """Say why nothing is looked up: too many misses, or only that others of the same key are still looking."""
    if seconds <= limits.SOON:
        sentence = _("At most %(most)d requests at the same moment.") % {"most": MISSES}
        return later("too_many_requests", sentence, seconds=seconds)
    return later(
        "too_many_misses", _("Too many searches found nothing; searching is stopped for a while."), seconds=seconds
    )


def _count_request(request: HttpRequest, key: ApiKey) -> int:
    """Count a request, reserve its search, and return for how many seconds the client may not search: 0 when it may."""
    limit = Limit(f"requests:{key.client}", settings.API_REQUESTS_PER_MINUTE, 60)
    try:
        seconds = limits.take(limit, reserve=_misses(key))
    except LimitReached as reached:
        sentence = _("At most %(most)d requests a minute.") % {"most": limit.most}
        raise later("too_many_requests", sentence, seconds=reached.seconds) from reached
    request.searching_key = key
    return seconds


def operation(
    router: Router,
    method: str,
    path: str,
    *,
    scope: Scope,
    answer: type[BaseModel],
    summary: str,
    about: str = "",
    status: int = 200,
    asks: Callable[..., list[Statement]] | None = None,
) -> Callable[[Callable], Callable]:
    """Register a view: `@operation(router, "GET", "/…", scope=…, answer=Schema, summary=gettext_noop("…"))`.

    `status` 201 is a write: it needs an Idempotency-Key, and view and stored answer are one transaction. What the view
    `asks` of the database first, given what the view is given, comes along with the claim of the key as `request.answers`.
    """
    door = Door(scope, is_write=status == 201)

    def register(view: Callable) -> Callable:
        @functools.wraps(view)
        def run(request: HttpRequest, **values: Any) -> HttpResponse:
            if not door.is_write:
                return _respond(Answer(status, view(request, **values).model_dump_json()))

            def work(answers: list[Rows]) -> Answer:
                request.answers = answers
                return Answer(status, view(request, **values).model_dump_json())

            return _respond(_answer_once(request, work, asks(request, **values) if asks else []))

        contribute_operation_callback(run, functools.partial(_open, door=door))
        extra = {"x-scope": scope.value, **({"parameters": [IDEMPOTENCY_HEADER]} if door.is_write else {})}
        router.api_operation(
            [method], path, response={status: answer}, operation_id=view.__name__, summary=summary,
            description=about or summary, openapi_extra=extra, auth=door,
        )(run)  # fmt: skip
        return run

    return register


IDEMPOTENCY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "Names this write. Sent again with the same body, it gets the first answer and nothing happens twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
    "example": "sale-1042",
}


def _open(operation: Operation, *, door: Door) -> None:
    """Tell the door which query parameters its operation has."""
    names: set[str] = set()
    for model in operation.models:
        if model.__ninja_param_source__ == "query":
            names |= set(model.__ninja_flatten_map__)
    door.query_names = frozenset(names)


def _answer_once(request: HttpRequest, work: Callable[[list[Rows]], Answer], asked: list[Statement]) -> Answer:
    def refusing(answers: list[Rows]) -> Answer:
        try:
            return work(answers)
        except Problem as problem:
            if problem.kind.is_kept:
                raise Refused(answer=Answer(problem.kind.status, problem.body)) from problem
            raise
        except DatabaseError:
            raise
        except Exception as error:
            if problem := refusal_of(error):
                raise Refused(answer=Answer(problem.kind.status, problem.body)) from error
            raise

    one = Request(request.auth, idempotency_key(request), _fingerprints(request), timezone.now())
    try:
        return api_requests.answer_once(request=one, work=refusing, asked=asked)
    except KeyReused as error:
        sentence = _("This Idempotency-Key was sent before with another request.")
        raise Problem("idempotency_key_reused", sentence, [Fault("Idempotency-Key", sentence)]) from error
    except StillRunning as error:
        sentence = _("The first request with this Idempotency-Key is still running; ask again.")
        raise later("request_running", sentence, seconds=BUSY_SECONDS) from error


def _fingerprints(request: HttpRequest) -> list[bytes]:
    """Return keyed digests of what was asked, whatever the order of members and the blanks between them."""
    asked = [request.method, request.path, JsonParser().parse_body(request)]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [hmac.digest(b"api-request" + key.encode(), text, "sha256") for key in keys]


def _respond(answer: Answer) -> HttpResponse:
    media_type = "application/json" if answer.status < 400 else "application/problem+json"
    response = HttpResponse(answer.body, status=answer.status, content_type=media_type)
    if answer.is_replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def problem_of(error: Exception) -> Problem | None:
    """Return how an exception reads to a caller, None when it is a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, TooManyFieldsSent):
        sentence = _("At most %(most)d parameters can be sent.") % {"most": settings.DATA_UPLOAD_MAX_NUMBER_FIELDS}
        return Problem("malformed", sentence)
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("API request not served: %s", type(error.__cause__ or error).__name__)
        sentence = _("Nothing was done. Send the same request again in a moment.")
        return later("busy", sentence, seconds=BUSY_SECONDS)
    return refusal_of(error)

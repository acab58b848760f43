"""What a load balancer asks: is the process alive, and can it serve?

Answered before every other middleware: a probe has no log-in, no session, and often the address of the machine as its host.
"""

import logging
from collections.abc import Callable
from functools import cache as cached

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from customers import heartbeats
from rewards import triggers
from surveys import frozen, mailing

logger = logging.getLogger(__name__)


class HealthMiddleware:
    """Answer /healthz and /readyz, in one word each and without a version or an error in the body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return _answer("ok")
        if request.path_info == "/readyz":
            return readyz()
        return self.get_response(request)


def readyz() -> HttpResponse:
    """Say 503 unless the database answers, its schema is ours and the books are guarded; a lost broker only delays."""
    try:
        is_ready = _has_current_schema() and _has_guarded_books()
    except Exception:
        logger.exception("Not ready: the database does not answer")
        is_ready = False
    if not is_ready:
        return _answer("unavailable", status=503)
    return _answer("ok" if _has_cache() and _has_workers() and _mails_leave() else "degraded")


def _has_current_schema() -> bool:
    missing = _heads() - MigrationRecorder(connection).applied_migrations().keys()
    if missing:
        logger.error("Not ready: the schema lacks %s", ", ".join(sorted(f"{app}.{name}" for app, name in missing)))
    return not missing


@cached
def _heads() -> frozenset[tuple[str, str]]:
    """The newest migration of every app; the code of a process does not change, so it is read once."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


def _has_guarded_books() -> bool:
    missing = triggers.expected(connection) - triggers.present(connection)
    missing |= frozen.expected() - frozen.present(connection)
    if missing:
        logger.error("Not ready: the books and surveys lack the guards %s", ", ".join(sorted(missing)))
    return not missing


def _has_cache() -> bool:
    try:
        cache.get("readyz")
    except Exception:
        logger.exception("Degraded: Redis does not answer")
        return False
    return True


def _has_workers() -> bool:
    """Return whether the workers that were ever seen are still at work."""
    try:
        since = heartbeats.silent_since(now=timezone.now())
    except DatabaseError:
        logger.exception("Degraded: the heartbeats of the workers cannot be read")
        return False
    if since:
        logger.error("Degraded: a worker is silent since %s", since.isoformat())
    return since is None


def _mails_leave() -> bool:
    """Return whether no survey mail has been due for long: otherwise no sender is at work, or beat is not."""
    try:
        since = mailing.due_since(now=timezone.now())
    except DatabaseError:
        logger.exception("Degraded: the mails that are due cannot be counted")
        return False
    if since:
        logger.error("Degraded: survey mails wait since %s", since.isoformat())
    return since is None


def _answer(word: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{word}\n", content_type="text/plain", status=status, headers={"Cache-Control": "no-store"})

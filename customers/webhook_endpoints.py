"""Endpoints of webhooks: made, rotated, paused, disabled, tested, and told again what they have missed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from customers import staff_mail, webhook_addresses, webhook_secrets, webhooks
from customers.models import User, WebhookDelivery, WebhookEndpoint, WebhookEvent
from customers.models.webhook import TEST

MAY_CHANGE = "customers.change_webhookendpoint"
State, Reason = WebhookEndpoint.State, WebhookEndpoint.Reason


class EarlierSecretSigns(Exception):
    """Two secrets sign already; a third one has to wait, or end both."""

    def __init__(self, *, endpoint: WebhookEndpoint) -> None:
        self.endpoint = endpoint
        super().__init__(_("The earlier secret still signs. Wait for its end, or let both end at once."))


class WrongState(Exception):
    """The endpoint or the delivery is not in a state in which this makes sense; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(_("This is not possible in the present state."))


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint and the secret that its receiver needs; nobody can read that text again."""

    endpoint: WebhookEndpoint
    text: str


def create(*, label: str, url: str, event_types: Sequence[str], by: User | None, now: dt.datetime) -> NewSecret:
    """Make an endpoint and return it with its secret. Raises webhook_addresses.BadAddress."""
    webhook_addresses.read(url)
    return issue(endpoint=WebhookEndpoint(label=label, url=url, event_types=sorted(event_types), by=by), now=now)


def issue(*, endpoint: WebhookEndpoint, now: dt.datetime) -> NewSecret:
    """Give an unsaved endpoint its secret, save it and return both."""
    secret = webhook_secrets.generate()
    endpoint.secret_sealed = webhook_secrets.seal(secret)
    endpoint.created_at = endpoint.changed_at = now
    endpoint.starts_at = now + webhooks.HEAD_START
    endpoint.save(force_insert=True)
    _tell_this_process()
    return NewSecret(endpoint, webhook_secrets.display(secret))


def change(*, endpoint: WebhookEndpoint, fields: Sequence[str]) -> None:
    """Save what was changed of an endpoint; at another address nothing has failed yet."""
    names = list(fields)
    if "url" in names:
        endpoint.failures, endpoint.failing_since_at, endpoint.rests_until = 0, None, None
        names += ["failures", "failing_since_at", "rests_until"]
    if names:
        endpoint.save(update_fields=names)
        _tell_this_process()


def rotate(*, endpoint: WebhookEndpoint, overlap: dt.timedelta, now: dt.datetime) -> NewSecret:
    """Make a new secret and return it; both sign until the overlap ends. No overlap ends every earlier secret at once.

    Raises EarlierSecretSigns.
    """
    with transaction.atomic():
        row = WebhookEndpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
        if overlap and row.previous_until is not None and row.previous_until > now:
            raise EarlierSecretSigns(endpoint=row)
        row.previous_sealed, row.previous_until = (row.secret_sealed, now + overlap) if overlap else (None, None)
        secret = webhook_secrets.generate()
        row.secret_sealed = webhook_secrets.seal(secret)
        row.save(update_fields=["secret_sealed", "previous_sealed", "previous_until"])
    return NewSecret(row, webhook_secrets.display(secret))


def signing_keys(*, endpoint: WebhookEndpoint, now: dt.datetime) -> list[bytes]:
    """Return the secrets that sign at an instant, the newest first. Raises webhook_secrets.SecretUnreadable."""
    sealed = [endpoint.secret_sealed]
    if endpoint.previous_until is not None and endpoint.previous_until > now:
        sealed.append(endpoint.previous_sealed)
    return [webhook_secrets.unseal(one) for one in sealed]


def pause(*, endpoint: WebhookEndpoint, now: dt.datetime) -> None:
    """Keep the news for later; after a week it is disabled. Raises WrongState."""
    _move(endpoint, [State.ACTIVE], now, state=State.PAUSED, reason=Reason.STAFF)


def resume(*, endpoint: WebhookEndpoint, now: dt.datetime) -> None:
    """Deliver again: to a paused endpoint what has waited, to a disabled one what happens from now on. Raises WrongState."""
    fresh: dict[str, Any] = {"failures": 0, "failing_since_at": None, "rests_until": None}
    if endpoint.state == State.DISABLED:
        fresh["starts_at"] = now + webhooks.HEAD_START
    _move(endpoint, [State.PAUSED, State.DISABLED], now, state=State.ACTIVE, reason="", **fresh)


def disable(*, endpoint: WebhookEndpoint, reason: Reason, now: dt.datetime) -> None:
    """Deliver and keep nothing any more; what waits counts as failed, and staff are told unless it was their own wish.

    Raises WrongState when it is disabled already.
    """
    with transaction.atomic():
        _move(endpoint, [State.ACTIVE, State.PAUSED], now, state=State.DISABLED, reason=reason)
        waiting = WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookDelivery.State.PENDING)
        lost = waiting.update(state=WebhookDelivery.State.FAILED, error="disabled", finished_at=now)
        if reason != Reason.STAFF:
            staff_mail.queue(
                kind="webhook_stopped",
                source=f"{endpoint.pk}:{now.isoformat()}",
                context={"endpoint": endpoint.pk, "label": endpoint.label, "reason": str(reason), "lost": lost},
                readers=staff_mail.who_may(MAY_CHANGE),
                now=now,
            )


def send_test(*, endpoint: WebhookEndpoint, now: dt.datetime) -> WebhookDelivery:
    """Queue a test for one endpoint, whatever it listens for, and return its delivery. Raises WrongState unless active."""
    if endpoint.state != State.ACTIVE:
        raise WrongState
    with transaction.atomic():
        event = WebhookEvent.objects.create(
            type=TEST, data={"endpoint": endpoint.pk}, occurred_at=now, recorded_at=now, spread_at=now
        )
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(rests_until=None)
        return WebhookDelivery.objects.create(endpoint=endpoint, event=event, next_attempt_at=now)


def replay(*, delivery: WebhookDelivery, now: dt.datetime) -> None:
    """Send a delivery once more, under the same message id. Raises WrongState when it waits or its endpoint is disabled."""
    finished = WebhookDelivery.objects.filter(pk=delivery.pk, endpoint__in=WebhookEndpoint.objects.listening())
    if not _send_again(finished.exclude(state=WebhookDelivery.State.PENDING), now):
        raise WrongState


def replay_failed(*, endpoint: WebhookEndpoint, since: dt.datetime, now: dt.datetime) -> int:
    """Send again what failed of the events since an instant, and return how many. Raises WrongState when disabled."""
    if endpoint.state == State.DISABLED:
        raise WrongState
    failed = WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookDelivery.State.FAILED)
    return _send_again(failed.filter(event__recorded_at__gte=since), now)


def _send_again(rows: QuerySet[WebhookDelivery], now: dt.datetime) -> int:
    return rows.update(state=WebhookDelivery.State.PENDING, attempts=0, next_attempt_at=now, error="", finished_at=None)


def _move(endpoint: WebhookEndpoint, states: Sequence[State], now: dt.datetime, **values: Any) -> None:
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk, state__in=states)
    if not rows.update(changed_at=now, **values):
        raise WrongState
    endpoint.refresh_from_db()
    _tell_this_process()


def _tell_this_process() -> None:
    webhooks.listen_anew()
    transaction.on_commit(webhooks.listen_anew)

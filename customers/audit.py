"""Writing down who did or saw what with a customer, in the caller's transaction; looking is noted once in ten minutes."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import models

from customers.models import ApiKey, AuditEvent, Customer, Store, User

Action, Place = AuditEvent.Action, AuditEvent.Place
LOOKS = (Action.VIEWED, Action.FOUND, Action.CONTACTS)
SAME_LOOK = dt.timedelta(minutes=10)
ROLES = ("manager", "marketer", "auditor", "cashier")


def note(
    *,
    action: AuditEvent.Action,
    place: AuditEvent.Place,
    customer: Customer | None,
    now: dt.datetime,
    by: User | None = None,
    api_key: ApiKey | None = None,
    store: Store | None = None,
    reason: str = "",
    reference: str = "",
    changes: dict[str, Any] | None = None,
    network: str = "",
) -> AuditEvent:
    """Write down a deed and return its row. `reason` and `reference` are words and keys, never what somebody typed."""
    return AuditEvent.objects.create(
        action=action, place=place, customer=customer, by=by, api_key=api_key, role=role_of(by), reason=reason,
        store_id=_store_id(by, api_key, store), reference=reference, occurred_at=now, changes=changes or {},
        network=network,
    )  # fmt: skip


def note_looks(
    *,
    action: AuditEvent.Action,
    place: AuditEvent.Place,
    customer_ids: Collection[int],
    now: dt.datetime,
    by: User | None = None,
    api_key: ApiKey | None = None,
    store: Store | None = None,
) -> None:
    """Write down that somebody looked at customers, but for those whom they looked at there within ten minutes.

    All of a list in one write. Nobody is told of a look at themselves.
    """
    look = {"action": action, "place": place, "by": by, "api_key": api_key}
    known = set(looks_lately(customer__in=customer_ids, now=now, **look).values_list("customer_id", flat=True))
    if by is not None and by.pk is not None:
        known |= set(Customer.objects.filter(pk__in=customer_ids, user=by).values_list("pk", flat=True))
    new = [pk for pk in dict.fromkeys(customer_ids) if pk not in known]
    if not new:
        return
    row = look | {"role": role_of(by), "store_id": _store_id(by, api_key, store), "occurred_at": now}
    AuditEvent.objects.bulk_create(AuditEvent(customer_id=pk, **row) for pk in new)


def looks_lately(*, now: dt.datetime, **look: Any) -> models.QuerySet[AuditEvent]:
    """Return the looks that are still the same look: those of `look`, the fields of an event, within ten minutes."""
    return AuditEvent.objects.filter(occurred_at__gt=now - SAME_LOOK, **look)


def role_of(user: User | None) -> str:
    """Return the role in which somebody acts: the first of theirs, `owner` for who may do everything."""
    if user is None or not user.is_staff:
        return ""
    if user.is_superuser:
        return "owner"
    groups = set(user.groups.values_list("name", flat=True))
    return next((role for role in ROLES if role in groups), "staff")


def looks_at(*, customer: Customer) -> models.QuerySet[AuditEvent]:
    """Return who of the shop looked at a customer, or at a record merged into theirs, or handed their data out."""
    everyone = Customer.objects.of_one_person(customer.pk)
    seen = AuditEvent.objects.filter(customer__in=everyone, action__in=[*LOOKS, Action.EXPORTED, Action.MERGED])
    return seen.exclude(place=Place.PORTAL).select_related("store").order_by("-occurred_at", "-pk")


def _store_id(by: User | None, api_key: ApiKey | None, store: Store | None) -> int | None:
    """Where it happened: as told, else where the person or the key belongs."""
    return (store and store.pk) or (by and by.store_id) or (api_key and api_key.store_id)

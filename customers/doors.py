"""Who came in, who was turned away, and whose keys and rights changed: the part of the audit trail that is about log-ins.

A refusal is written once in ten minutes for one network and person, so that nobody fills the trail by guessing. Of a network address
only a keyed digest is kept: enough to see that two entries came from one place.
"""

import datetime as dt
import hashlib
import hmac
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group

from customers import audit
from customers.identifiers import normalise
from customers.models import AuditEvent, Customer, User

Action, Place = AuditEvent.Action, AuditEvent.Place
RIGHTS = ("is_active", "is_staff", "is_superuser")


def came_in(*, user: User, method: str, address: str, now: dt.datetime) -> AuditEvent:
    """Write down that somebody has signed in, and by what: a mailed code, a password, a second factor, a passkey."""
    return _write(Action.SIGNED_IN, user, now, network=network(address), reason=method[:40])


def turned_away(*, account: str, method: str, address: str, now: dt.datetime) -> None:
    """Write down that a code or password was wrong; `account` is the e-mail address it was tried for, known or not."""
    user = User.objects.filter(email=normalise(kind="email", value=account)).first()
    _write_once(Action.TURNED_AWAY, user, now, network=network(address), reason=method[:40])


def denied(*, user: User, page: str, now: dt.datetime) -> None:
    """Write down that a page was closed to somebody who is signed in; `page` is its name, not its address."""
    _write_once(Action.DENIED, user, now, reference=page[:60])


def factor_changed(*, user: User, what: str, kind: str, by: User, now: dt.datetime) -> AuditEvent:
    """Write down that somebody's passkey, app or recovery codes were added, removed or reset."""
    return _write(Action.FACTOR, by, now, reason=f"{what}:{kind}"[:40], reference=f"user:{user.pk}", whose=user)


def rights_of(user: User) -> dict[str, Any]:
    """Return what somebody may do, as the trail compares it."""
    return {name: getattr(user, name) for name in RIGHTS} | {
        "groups": sorted(user.groups.values_list("name", flat=True)),
        "permissions": sorted(user.user_permissions.values_list("codename", flat=True)),
    }


def rights_changed(
    *, what: str, before: dict[str, Any], after: dict[str, Any], by: User | None, now: dt.datetime
) -> None:
    """Write down what of the rights of a person or role (`what` is its key) is different now, before and after.

    Without a person it was a command on the machine.
    """
    changes = {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}
    if changes:
        _write(Action.RIGHTS, by, now, reference=what, changes=changes)


def permissions_of(role: Group) -> set[str]:
    """Return what a role may do, as the trail compares it."""
    return set(role.permissions.values_list("codename", flat=True))


def role_changed(*, role: Group, before: set[str], by: User | None, now: dt.datetime) -> None:
    """Write down which permissions of a role came and went since `before`."""
    after = permissions_of(role)
    gone, new = {"permissions": sorted(before - after)}, {"permissions": sorted(after - before)}
    rights_changed(what=f"role:{role.pk}", before=gone, after=new, by=by, now=now)


def network(address: str) -> str:
    """Return what is kept of a network address; empty for none."""
    key = b"customers.doors:1" + settings.SECRET_KEY.encode()
    return hmac.digest(key, address.encode(), hashlib.sha256).hex()[:16] if address else ""


def _write(action: AuditEvent.Action, by: User | None, now: dt.datetime, **fields: Any) -> AuditEvent:
    whose = fields.pop("whose", by)
    customer = None if whose is None or whose.is_staff else Customer.objects.filter(user=whose).first()
    place = Place.ADMIN if by is not None and by.is_staff else Place.PORTAL
    return audit.note(action=action, place=place, customer=customer, by=by, now=now, **fields)


def _write_once(action: AuditEvent.Action, by: User | None, now: dt.datetime, **fields: Any) -> None:
    lately = AuditEvent.objects.filter(action=action, by=by, occurred_at__gt=now - audit.SAME_LOOK, **fields)
    if not lately.exists():
        _write(action, by, now, **fields)

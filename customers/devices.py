"""The devices on which somebody is signed in, how long that lasts, and signing out from afar.

Staff are signed out after 30 minutes without a page and after 8 hours in any case; customers after 30 days. A page notes at most
once a minute that somebody was here.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import NamedTuple

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.utils.translation import gettext as _

from customers.models import SignedInDevice, User

SIGNED_IN, SEEN = "signed_in_at", "seen_at"  # in the session, seconds since 1970
NOTED_AFTER = 60.0
MOST_SHOWN = 50


class Term(NamedTuple):
    """For how many seconds somebody stays signed in: without a page, and in any case."""

    idle: float
    whole: float


STAFF = Term(idle=30 * 60.0, whole=8 * 3600.0)
CUSTOMERS = Term(idle=30 * 24 * 3600.0, whole=30 * 24 * 3600.0)


@dataclass(frozen=True, slots=True)
class Shown:
    """A device as its owner reads it."""

    device: SignedInDevice
    name: str
    is_this: bool


def note_sign_in(*, user: User, session: SessionBase, user_agent: str, now: dt.datetime) -> None:
    """Write down that somebody has signed in with a browser; the session's key is the new one."""
    if session.session_key is None:
        session.save()
    session[SIGNED_IN] = session[SEEN] = now.timestamp()
    SignedInDevice.objects.update_or_create(
        session_key=session.session_key,
        defaults={"user": user, "user_agent": user_agent[:300], "signed_in_at": now, "seen_at": now},
    )


def forget(*, session_key: str | None) -> None:
    """Take a device from the list that has signed out."""
    SignedInDevice.objects.filter(session_key=session_key).delete()


def is_over(*, user: User, session: SessionBase, now: dt.datetime) -> bool:
    """Return whether a session has lasted, or rested, too long for this kind of user."""
    term, moment = STAFF if user.is_staff else CUSTOMERS, now.timestamp()
    signed_in = session.get(SIGNED_IN, moment)
    return moment - signed_in > term.whole or moment - session.get(SEEN, signed_in) > term.idle


def note_seen(*, user: User, session: SessionBase, user_agent: str, now: dt.datetime) -> None:
    """Note that somebody was here, at most once a minute; a session from before there was a list joins it."""
    moment = now.timestamp()
    if SIGNED_IN not in session:
        note_sign_in(user=user, session=session, user_agent=user_agent, now=now)
    elif moment - session.get(SEEN, 0) > NOTED_AFTER:
        session[SEEN] = moment
        own = SignedInDevice.objects.filter(session_key=session.session_key, user=user)
        own.update(seen_at=now, user_agent=user_agent[:300])


def follow(*, before: str | None, session: SessionBase) -> None:
    """Keep a device on the list whose session has got another key."""
    SignedInDevice.objects.filter(session_key=before).update(session_key=session.session_key)


def devices_of(*, user: User, session: SessionBase, now: dt.datetime) -> list[Shown]:
    """Return where somebody is signed in, this device first, then the latest."""
    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    rows = SignedInDevice.objects.filter(user=user, session_key__in=alive).order_by("-seen_at", "-pk")[:MOST_SHOWN]
    shown = [Shown(row, name_of(row.user_agent), row.session_key == session.session_key) for row in rows]
    return sorted(shown, key=lambda each: not each.is_this)


def sign_out(*, user: User, pk: int) -> bool:
    """End the session of one of somebody's own devices and return whether there was one."""
    row = SignedInDevice.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    return True


def sign_out_everywhere(*, user: User) -> None:
    """End every session of somebody, this one included."""
    own = SignedInDevice.objects.filter(user=user)
    Session.objects.filter(session_key__in=list(own.values_list("session_key", flat=True))).delete()
    own.delete()
    if not user.has_usable_password():
        # Sessions carry a digest of the password: another unusable one ends those, too, that no list knows.
        user.set_unusable_password()
        user.save(update_fields=["password"])


def forget_ended(*, now: dt.datetime) -> int:
    """Take the devices from the list whose session is gone, and return how many."""
    alive = Session.objects.filter(expire_date__gt=now).values("session_key")
    return SignedInDevice.objects.exclude(session_key__in=alive).delete()[0]


# The first that is found is meant: Edge also says Chrome, and Chrome also says Safari.
_BROWSERS = [
    (r"MicroMessenger", "WeChat"), (r"Edg(e|A|iOS)?/", "Edge"), (r"OPR/|Opera", "Opera"), (r"SamsungBrowser", "Samsung Internet"),
    (r"Firefox/|FxiOS", "Firefox"), (r"Chrome/|CriOS|Chromium", "Chrome"), (r"Safari/", "Safari"),
]  # fmt: skip
_SYSTEMS = [
    (r"iPhone", "iPhone"), (r"iPad", "iPad"), (r"Android", "Android"), (r"HarmonyOS", "HarmonyOS"), (r"Windows", "Windows"),
    (r"Macintosh|Mac OS X", "Mac"), (r"CrOS", "ChromeOS"), (r"Linux|X11", "Linux"),
]  # fmt: skip


def name_of(user_agent: str) -> str:
    """Return a browser and what it runs on as people call them, such as “Safari · iPhone”."""
    found = [_first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)]
    return " · ".join(name for name in found if name) or _("Unknown device")


def _first(names: list[tuple[str, str]], text: str) -> str:
    return next((name for pattern, name in names if re.search(pattern, text)), "")

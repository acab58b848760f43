"""Keys to the API: made, recognised, rotated, revoked. The whole key is shown once and kept nowhere.

A key reads `lp_<id>_<secret><check>`: 8 characters to look it up by, 43 random ones (256 bits), and 6 that are a checksum,
so that a mistyped key is refused without asking the database. At 256 bits a fast digest is right: nobody can try them all.
"""

import datetime as dt
import hashlib
import json
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hmac import compare_digest
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from customers import statements
from customers.models import ApiKey, Store, User
from customers.statements import Statement

PREFIX = "lp"
ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH = 8, 43, 6
LETTERS = string.digits + string.ascii_letters
ID_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"  # nothing that looks like something else: staff read them out
MOST_LIVE = 2
SELDOM = dt.timedelta(minutes=1)


class TooManyLiveKeys(Exception):
    """The till or shop has two live keys already: the old one must end before another is made."""

    def __init__(self, *, key: ApiKey) -> None:
        self.key = key
        super().__init__(_("“%(label)s” has two live keys already; revoke one of them first.") % {"label": key.label})


class KeyNotLive(Exception):
    """A key that has ended cannot be rotated or revoked."""

    def __init__(self, *, key: ApiKey) -> None:
        self.key = key
        super().__init__(_("This key has ended already."))


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and the text that its holder needs; nobody can read that text again."""

    key: ApiKey
    text: str


def create(
    *,
    label: str,
    scopes: Sequence[str],
    by: User | None,
    now: dt.datetime,
    store: Store | None = None,
    till: str = "",
    expires_at: dt.datetime | None = None,
) -> NewKey:
    """Make a key and return it with its text, which is kept nowhere."""
    key = ApiKey(
        label=label, store=store, till=till, scopes=sorted(scopes), created_at=now, expires_at=expires_at, by=by
    )
    return issue(key=key)


def issue(*, key: ApiKey) -> NewKey:
    """Give an unsaved key its secret, save it and return both."""
    key.public_id = "".join(secrets.choice(ID_LETTERS) for _n in range(ID_LENGTH))
    key.client = key.client or key.public_id
    secret = "".join(secrets.choice(LETTERS) for _n in range(SECRET_LENGTH))
    key.secret_digest = _digest(secret)
    key.save(force_insert=True)
    head = f"{PREFIX}_{key.public_id}_{secret}"
    return NewKey(key, head + _checksum(head))


def rotate(*, key: ApiKey, overlap: dt.timedelta, by: User | None, now: dt.datetime) -> NewKey:
    """Make the successor of a key and let both live until the overlap ends; return the new one with its text.

    Both are the same client: a request that was answered under the old key is not done again under the new one. Raises
    KeyNotLive and TooManyLiveKeys.
    """
    with transaction.atomic():
        old = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
        if not old.is_live(now):
            raise KeyNotLive(key=old)
        if ApiKey.objects.live(now).filter(client=old.client).count() >= MOST_LIVE:
            raise TooManyLiveKeys(key=old)
        new = ApiKey(
            label=old.label, store_id=old.store_id, till=old.till, scopes=old.scopes, client=old.client, created_at=now,
            by=by,
        )  # fmt: skip
        old.expires_at = min(filter(None, [old.expires_at, now + overlap]))
        old.save(update_fields=["expires_at"])
        return issue(key=new)


def revoke(*, key: ApiKey, now: dt.datetime) -> ApiKey:
    """End a key at once: its next call is refused. Raises KeyNotLive when it has ended already."""
    if not ApiKey.objects.live(now).filter(pk=key.pk).update(revoked_at=now):
        raise KeyNotLive(key=key)
    key.refresh_from_db()
    return key


def recognise(*, text: str, now: dt.datetime) -> ApiKey | None:
    """Return the live key of a text, with its store; None for everything else, in the same time for every wrong secret."""
    public_id, secret = _parts(text)
    if not public_id:
        return None
    moment = connection.ops.adapt_datetimefield_value(now)
    asked = Statement(_live_sql(), [connection.ops.adapt_datetimefield_value(now - SELDOM), public_id, moment])
    row = next(iter(statements.ask_first(asked)), None)
    digest = bytes(row[KEY_COLUMNS.index("secret_digest")]) if row else bytes(32)
    return _key(row) if compare_digest(digest, _digest(secret)) and row else None


def note_use(*, key: ApiKey, now: dt.datetime) -> None:
    """Remember that a recognised key was used, at most once a minute."""
    if key.is_use_due:
        is_due = Q(last_used_at=None) | Q(last_used_at__lte=now - SELDOM)
        ApiKey.objects.filter(is_due, pk=key.pk).update(last_used_at=now)


# Every call of the API begins here, so that the query is written once and not put together each time. In the models' order.
KEY_COLUMNS = ("id", "label", "store_id", "till", "scopes", "public_id", "client", "secret_digest")
STORE_COLUMNS = ("id", "code", "name_en", "name_zh", "kind", "time_zone", "pending_days")


@cache
def _live_sql() -> str:
    keys, stores = (connection.ops.quote_name(model._meta.db_table) for model in (ApiKey, Store))
    columns = ", ".join([*(f"k.{name}" for name in KEY_COLUMNS), *(f"s.{name}" for name in STORE_COLUMNS)])
    return (
        f"SELECT {columns}, k.last_used_at IS NULL OR k.last_used_at <= %s "  # noqa: S608 (our own names)
        f"FROM {keys} k LEFT JOIN {stores} s ON s.id = k.store_id "
        "WHERE k.public_id = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %s)"
    )


def _key(row: Sequence[Any]) -> ApiKey:
    values = dict(zip(KEY_COLUMNS, row, strict=False))
    values["scopes"] = json.loads(values["scopes"])
    key = ApiKey.from_db(None, KEY_COLUMNS, list(values.values()))
    if key.store_id is not None:
        key.store = Store.from_db(None, STORE_COLUMNS, row[len(KEY_COLUMNS) : -1])
    key.is_use_due = bool(row[-1])
    return key


def _parts(text: str) -> tuple[str, str]:
    """Return public id and secret of a key's text, empty when it is none."""
    head, check = text[:-CHECK_LENGTH], text[-CHECK_LENGTH:]
    prefix, _line, rest = head.partition("_")
    public_id, _line, secret = rest.partition("_")
    lengths = (len(public_id), len(secret))
    if not text.isascii() or prefix != PREFIX or lengths != (ID_LENGTH, SECRET_LENGTH) or check != _checksum(head):
        return "", ""
    return public_id, secret


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _checksum(head: str) -> str:
    number, text = zlib.crc32(head.encode()), ""
    for _n in range(CHECK_LENGTH):
        number, place = divmod(number, len(LETTERS))
        text += LETTERS[place]
    return text

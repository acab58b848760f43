"""What a sender writes into the ledger of mails, as statements that travel together.

Every twenty mails the outcomes of the last twenty and the intent to send the next are one message to PostgreSQL and one
commit there; on SQLite they are one transaction. Each statement touches only messages that are still the sender's own.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from django.db import connection, transaction

from customers import statements
from customers.statements import Statement
from surveys.models import Message, Run

State = Message.State
ONCE_MORE = Statement("tries + 1")
# A run that was paused sends nothing more.
_IS_RUNNING = Statement(
    "EXISTS (SELECT 1 FROM surveys_run r WHERE r.id = surveys_message.run_id AND r.phase = %s)",
    [Run.Phase.SENDING.value],
)


def grouped(
    changes: dict[uuid.UUID, dict[str, Any]],
) -> Iterable[tuple[dict[str, Any], list[uuid.UUID]]]:
    """Return the rows that get the same values together."""
    groups: dict[tuple[tuple[str, Any], ...], list[uuid.UUID]] = {}
    for pk, values in changes.items():
        groups.setdefault(tuple(values.items()), []).append(pk)
    return [(dict(values), pks) for values, pks in groups.items()]


def change(
    values: Mapping[str, Any], *, pks: Collection[uuid.UUID], states: Sequence[State], claim: uuid.UUID | None = None
) -> Statement:
    """Return what gives messages some values, as far as they are in one of these states and, with a claim, in its hands.

    A value may be a statement of its own, to be worked out by the database.
    """
    sets = [_assignment(name, value) for name, value in values.items()]
    conditions = [_among("id", [_stored("id", pk) for pk in pks]), _among("state", [state.value for state in states])]
    if claim is not None:
        conditions.append(Statement("claim = %s", [_stored("claim", claim)]))
    return _update(sets, conditions)


def intent(values: Mapping[str, Any], *, pks: Collection[uuid.UUID], claim: uuid.UUID) -> Statement:
    """Return what says of claimed messages that they are being sent, unless their run was paused."""
    sets = [_assignment(name, value) for name, value in {"state": State.SENDING, "tries": ONCE_MORE, **values}.items()]
    ours = [_among("id", [_stored("id", pk) for pk in pks]), Statement("claim = %s", [_stored("claim", claim)])]
    return _update(sets, [*ours, _among("state", [State.CLAIMED.value]), _IS_RUNNING])


def by_message(column: str, known: Mapping[uuid.UUID, str]) -> Statement:
    """Return a value that differs from message to message; the others keep theirs."""
    values = [part for pk, value in known.items() for part in (_stored("id", pk), value)]
    return Statement(f"CASE id {'WHEN %s THEN %s ' * len(known)}ELSE {column} END", values)


def commit(*changes: Statement) -> list[set[uuid.UUID]]:
    """Write changes down for good, all or none of them, and return the messages that each has touched.

    Raises RuntimeError inside another transaction, which could still undo them.
    """
    if not changes:
        return []
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        found = statements.run(*changes)  # one message is one transaction
    else:
        with transaction.atomic(durable=True):
            found = statements.run(*changes)
    return [{pk if isinstance(pk, uuid.UUID) else uuid.UUID(pk) for (pk,) in rows} for rows in found]


def _update(sets: Sequence[Statement], conditions: Sequence[Statement]) -> Statement:
    said, asked = ", ".join(each.sql for each in sets), " AND ".join(each.sql for each in conditions)
    values = [value for each in (*sets, *conditions) for value in each.values]
    return Statement(f"UPDATE surveys_message SET {said} WHERE {asked} RETURNING id", values)  # noqa: S608 (our own names)


def _assignment(column: str, value: Any) -> Statement:
    if isinstance(value, Statement):
        return Statement(f"{column} = {value.sql}", value.values)
    return Statement(f"{column} = %s", [_stored(column, value)])


def _among(column: str, values: Sequence[object]) -> Statement:
    return Statement(f"{column} IN ({', '.join(['%s'] * len(values))})", values)


def _stored(column: str, value: Any) -> Any:
    value = value.value if isinstance(value, Enum) else value
    return Message._meta.get_field(column).get_db_prep_value(value, connection)

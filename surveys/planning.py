"""Considering customers in sets: for each a row with the reason or without, and a mail, by two statements a chunk.

What SQL cannot say (what an address reaches, how the lot falls, when a window opens) Python works out beforehand, as columns
that the statements join. The order of the reasons is that of docs/surveys.md#who-is-skipped.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Sequence
from itertools import batched, chain

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, models

from customers import bulk, statements
from customers.statements import Statement
from surveys import channels, comparing, refusals, suppression, windows
from surveys.lots import drawing
from surveys.models import Campaign, Invitation, Message, Run, Wording

Skip = Invitation.Skip
# An address of this shape is valid for certain; whatever else Django takes is asked of Django.
_PLAIN = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,62}"
)

# In some countries a number does not say of which kind it is. The library that sends takes 10 to 14 digits.
_DIGITS = range(10, 15)
_MOBILE = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


type Fact = tuple[int, str, str, str, str, str, int]
"""What Python knows of a customer to be considered, in the order of FACT. A plain tuple: SQLite takes it in half the time."""

type Key = tuple[str, list[object]]
"""An expression for a fresh key, and the values for its places."""

FACT = {
    "customer_id": "bigint",
    "email": "text",
    "mailbox": "text",
    "email_hash": "text",
    "drawn": "text",
    "not_before": "timestamptz",
    "wording_id": "bigint",
}

ROWS_AT_ONCE = 100  # SQLite takes so many in one statement in half the time


def facts(
    *, run: Run, members: Sequence[int], now: dt.datetime, wordings: Sequence[Wording], at: dt.datetime | None = None
) -> list[Fact]:
    """Return what the statements need to know of these customers; erased and merged ones are left out.

    The mails leave when the customer's window is open from `at` on (the planned moment of the run, or now if that is past).
    """
    campaign = run.campaign
    opening = _openings(campaign, max(now, at or run.planned_at))
    wording_ids = [wording.pk for wording in wordings]
    drawn, day_lot, arm_lot = _apart(run), drawing("day", run.pk), drawing("subject", campaign.pk)
    days, arms = campaign.spread_days, len(wording_ids)
    way, found = channels.way_of(campaign), []
    reached = mailbox if way == channels.BY_MAIL else number
    for pk, address, zone in _addresses(members, way.identifier):
        box = reached(address)
        day = day_lot(pk) % days if days > 1 else 0
        arm = arm_lot(pk) % arms if arms > 1 else 0
        found.append(
            (
                pk,
                address if box else "",
                box,
                suppression.mailbox_hash(box) if box else "",
                drawn(pk),
                opening(zone, day),
                wording_ids[arm],
            )
        )
    return found


def mailbox(email: str) -> str:
    """Return the mailbox that an address reaches, or nothing when no ordinary mail server reaches it."""
    if not email:
        return ""
    if not _PLAIN.fullmatch(email):
        try:
            validate_email(email)
        except ValidationError:
            return ""
        if not email.rpartition("@")[0].isascii():
            return ""
    return suppression.normalise(email)


def number(phone: str) -> str:
    """Return a phone number (E.164) if a text message can reach it, or nothing: it is none, or that of a landline."""
    try:
        parsed = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return ""
    is_reached = phonenumbers.number_type(parsed) in _MOBILE and len(phone) - 1 in _DIGITS
    return phone if is_reached else ""


def _addresses(members: Sequence[int], kind: str) -> list[tuple[int, str, str]]:
    """Return key, address of this kind and time zone of the customers among these who take part."""
    if connection.vendor == "postgresql":
        chosen, values = "SELECT unnest(%s::bigint[])", [bulk.array(members)]
    else:
        chosen, values = "SELECT value FROM json_each(%s)", [json.dumps(list(members))]
    # The first address of each is picked here: a LIMIT inside tempts PostgreSQL to walk through all addresses in their order.
    # And the kind is no word of an index: right after an import, before there are statistics, PostgreSQL would take all
    # addresses from that index once for each customer.
    column = "normalised" if kind == "phone" else "value"
    sql = f"""
        SELECT c.id, COALESCE(i.{column}, ''), COALESCE(NULLIF(c.time_zone, ''), NULLIF(s.time_zone, ''), %s)
        FROM customers_customer c LEFT JOIN customers_store s ON s.id = c.home_store_id
        LEFT JOIN customers_identifier i ON i.customer_id = c.id AND i.kind || '' = '{kind}'
        WHERE c.id IN ({chosen}) AND c.erased_at IS NULL AND c.merged_into_id IS NULL
        ORDER BY c.id, i.id
    """  # noqa: S608 (our own names)
    [rows] = statements.run(Statement(sql, [settings.TIME_ZONE, *values]))
    first: dict[int, tuple[int, str, str]] = {}
    for row in rows:
        known = first.setdefault(row[0], row)
        # Somebody's mobile telephone, if they have one, whichever number was written down first.
        if kind == "phone" and known is not row and not number(known[1]):
            first[row[0]] = row
    return list(first.values())


def _apart(run: Run) -> Callable[[int], str]:
    """Return how the lot decides who is kept apart; the same run and customer draw the same lot for ever."""
    holdout, sample = run.campaign.holdout, run.campaign.sample
    holdout_lot, sample_lot = drawing("holdout", run.pk), drawing("sample", run.pk)

    def drawn(customer_id: int) -> str:
        if holdout and holdout_lot(customer_id) < holdout:
            return Skip.HOLDOUT.value
        if sample < 10_000 and sample_lot(customer_id) >= sample:
            return Skip.NOT_SAMPLED.value
        return ""

    return drawn


def _openings(campaign: Campaign, start: dt.datetime) -> Callable[[str, int], str]:
    known: dict[tuple[str, int], str] = {}

    def opening(zone: str, day: int) -> str:
        if (zone, day) not in known:
            moment = windows.next_opening(
                moment=start + dt.timedelta(days=day),
                time_zone=zone,
                hour_from=campaign.hour_from,
                hour_until=campaign.hour_until,
            )
            known[zone, day] = str(statements.stored(moment))
        return known[zone, day]

    return opening


def consider(*, run: Run, known: Sequence[Fact], now: dt.datetime, keyed_at: dt.datetime | None = None) -> None:
    """Write the rows and the mails of some customers; who has a row in this run already keeps it.

    Inside the caller's transaction, with the run's row locked: mailboxes are compared with those of the run so far. Of
    several customers with one mailbox the first who may be asked is; so each goes in a statement of its own. The keys of
    the rows begin with `keyed_at`, or now.
    """
    customer_ids = [fact[0] for fact in known]
    while known:
        first: dict[str, Fact] = {}  # by mailbox
        later = []
        for fact in known:
            if first.setdefault(fact[2] or str(fact[0]), fact) is not fact:
                later.append(fact)
        source, values = _source(list(first.values()))
        key = fresh_key(keyed_at or now)
        statements.run(_invitations(run, source, values, now, key), _messages(run, source, values, now, key))
        known = later
    comparing.toss(run=run, customer_ids=customer_ids, now=now)


def foresee(*, run: Run, known: Sequence[Fact], now: dt.datetime) -> dict[str, int]:
    """Count by reason who of some customers would get no mail, by the branches that `consider` writes down; writes nothing."""
    if not known:
        return {}
    source, values = _source(known)
    reasons, reason_values = refusals.branches(run=run, now=now)
    # Of several customers with one mailbox the first who may be asked takes it, as in `consider`.
    sql = f"""
        WITH {source}, judged AS MATERIALIZED (SELECT fact.*, CASE {reasons} ELSE '' END AS refused FROM fact),
        placed AS (
            SELECT refused, drawn, ROW_NUMBER() OVER (PARTITION BY mailbox, refused = '' ORDER BY customer_id) AS place
            FROM judged
        )
        SELECT CASE WHEN refused <> '' THEN refused WHEN place > 1 THEN 'duplicate_mailbox' ELSE drawn END, COUNT(*)
        FROM placed GROUP BY 1
    """  # noqa: S608 (our own names)
    [rows] = statements.run(Statement(sql, [*values, *reason_values]))
    return {skip: number for skip, number in rows if skip}


def _source(known: Sequence[Fact]) -> tuple[str, list[object]]:
    """Return the facts as `fact`, a table to be named in a WITH, and the values for its places.

    SQLite reads a table of its own connection three times as fast as it takes JSON apart.
    """
    names = ", ".join(FACT)
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in FACT.values())
        columns: list[object] = [bulk.array(column) for column in zip(*known, strict=True)]
        return f"fact ({names}) AS MATERIALIZED (SELECT * FROM unnest({arrays}))", columns  # noqa: S608 (our own names)
    row = f"({', '.join(['%s'] * len(FACT))})"
    whole = len(known) - len(known) % ROWS_AT_ONCE
    with connection.cursor() as cursor:
        # A transaction would be a writer, for whom others wait; this table nobody else sees.
        cursor.execute("SAVEPOINT facts")
        try:
            cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS considered ({names})")
            cursor.execute("DELETE FROM temp.considered")
            insert = "INSERT INTO temp.considered VALUES "
            if whole:
                many = (list(chain.from_iterable(rows)) for rows in batched(known[:whole], ROWS_AT_ONCE))
                cursor.executemany(insert + ", ".join([row] * ROWS_AT_ONCE), many)
            if rest := known[whole:]:
                cursor.executemany(insert + row, rest)
        finally:
            cursor.execute("RELEASE facts")
    return "fact AS (SELECT * FROM temp.considered)", []


def _invitations(run: Run, source: str, values: list[object], now: dt.datetime, key: Key) -> Statement:
    reasons, reason_values = refusals.branches(run=run, now=now)
    taken = _taken(run)
    columns: dict[str, tuple[str, list[object]]] = {
        "id": key,
        "run": ("%s", [run.pk]),
        "customer": ("fact.customer_id", []),
        "email": ("fact.email", []),
        "email_normalised": ("fact.mailbox", []),
        "language": ("COALESCE(NULLIF(c.language, ''), %s)", [settings.LANGUAGE_CODE]),
        "time_zone": ("COALESCE(NULLIF(c.time_zone, ''), NULLIF(s.time_zone, ''), %s)", [settings.TIME_ZONE]),
        "name": ("c.name", []),
        # Each reason is mentioned once, so that it is looked for once.
        "skip": (
            f"COALESCE(CASE {reasons} END, CASE WHEN {taken} THEN 'duplicate_mailbox' ELSE drawn END)",
            [*reason_values, *[run.pk] * taken.count("%s")],
        ),
        "created_at": ("%s", [statements.stored(now)]),
    }
    names, expressions, column_values = columns_of(Invitation, columns)
    sql = f"""
        WITH {source}
        INSERT INTO surveys_invitation ({names})
        SELECT {expressions} FROM fact JOIN customers_customer c ON c.id = fact.customer_id
        LEFT JOIN customers_store s ON s.id = c.home_store_id WHERE true
        ON CONFLICT (run_id, customer_id) DO NOTHING
    """  # noqa: S608 (our own names)
    return Statement(sql, [*values, *column_values])


def _taken(run: Run) -> str:
    """Return whether another customer with this mailbox is or would have been asked in the run."""
    asked = "EXISTS (SELECT 1 FROM surveys_invitation e WHERE e.run_id = %s AND e.email_normalised = fact.mailbox AND e.skip = '')"
    if not run.campaign.holdout and run.campaign.sample >= 10_000:
        return asked
    apart = asked.replace("e.skip = ''", "e.skip IN ('holdout', 'not_sampled')")
    return f"{asked} OR {apart}"


def _messages(run: Run, source: str, values: list[object], now: dt.datetime, key: Key) -> Statement:
    columns: dict[str, tuple[str, list[object]]] = {
        "id": key,
        "run": ("%s", [run.pk]),
        "invitation": ("i.id", []),
        "wording": ("fact.wording_id", []),
        "not_before": ("fact.not_before", []),
        "created_at": ("%s", [statements.stored(now)]),
    }
    names, expressions, column_values = columns_of(Message, columns)
    # A condition on `i` alone would let SQLite read all invitations of the run first, for a filter.
    sql = f"""
        WITH {source}
        INSERT INTO surveys_message ({names})
        SELECT {expressions} FROM fact JOIN surveys_invitation i ON i.run_id = %s AND i.customer_id = fact.customer_id
        WHERE i.skip = '' OR fact.customer_id IS NULL
        ON CONFLICT (invitation_id, kind, number) DO NOTHING
    """  # noqa: S608 (our own names)
    return Statement(sql, [*values, *column_values, run.pk])


def columns_of(model: type[models.Model], given: dict[str, tuple[str, list[object]]]) -> tuple[str, str, list[object]]:
    """Return names, expressions and values of every column of a model: those given, and the defaults of all others."""
    names, expressions, values = [], [], []
    for field in model._meta.concrete_fields:
        if field.generated:
            continue
        default = ("%s", [field.get_db_prep_save(field.get_default(), connection)])
        expression, own = given.get(field.name, default)
        names.append(connection.ops.quote_name(field.column))
        expressions.append(expression)
        values += own
    return ", ".join(names), ", ".join(expressions), values


def fresh_key(now: dt.datetime) -> Key:
    """Return an expression for a fresh UUID, in the form that the database keeps, and the values for its places.

    It begins with the time (version 7 of RFC 9562), so that the keys of a run stand side by side in every index, however
    many others there are; 60 bits are random.
    """
    milliseconds, rest = divmod(int(now.timestamp() * 1_000_000), 1_000)
    begin = f"{milliseconds:012x}7{rest:03x}8"
    if connection.vendor == "postgresql":
        return "(%s || substr(gen_random_uuid()::text, 21))::uuid", [begin]
    return f"%s || printf('%%015x', random() & {2**60 - 1})", [begin]

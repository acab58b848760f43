"""Database triggers that refuse to change the books; the model refuses first, these refuse whoever goes round it."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

GUARDED = (
    "rewards_pointtransaction",
    "rewards_lotallocation",
    "rewards_tillaction",
    "rewards_valuemovement",
    "rewards_couponevent",
    # Two tables of the app below: its history is guarded by the same means.
    "customers_auditevent",
    "customers_consent",
)
# Where people wrote a note about somebody: once that customer is erased, the note may be emptied, and nothing else.
_CUSTOMER_OF = {
    "rewards_pointtransaction": "NEW.customer_id",
    "rewards_valuemovement": "(SELECT customer_id FROM rewards_valueaccount WHERE id = NEW.account_id)",
    "rewards_couponevent": "(SELECT customer_id FROM rewards_coupon WHERE id = NEW.coupon_id)",
}
# What staff write behind an adjustment goes the same way; what explains an award is figures and stays.
_MAY_EMPTY_TOO = {"rewards_pointtransaction": ("explanation", "NEW.kind = 'adjust' AND NEW.explanation IS NULL")}
# What may go once it is so old, by the clock of the database (customers/retention.py).
_MAY_GO_AFTER_DAYS = {"customers_auditevent": ("occurred_at", 730)}
_ERASED = "EXISTS (SELECT 1 FROM customers_customer WHERE id = {customer} AND erased_at IS NOT NULL)"

_SQLITE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} {unless}
BEGIN SELECT RAISE(ABORT, '{table} is append-only: {verb} refused'); END
"""
_SQLITE_OLD = "WHEN OLD.{moment} > datetime('now', '-{days} days')"
_SQLITE_NOTE = "WHEN NOT (NEW.note = '' AND {same} AND {erased})"
_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION rewards_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, lower(TG_OP); END $$
"""
_POSTGRESQL_NOTE = """
CREATE OR REPLACE FUNCTION {table}_only_its_note() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF NEW.note = '' AND to_jsonb(NEW) - 'note' - '{other}' = to_jsonb(OLD) - 'note' - '{other}' AND {same} AND {erased}
  THEN RETURN NEW; END IF;
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, lower(TG_OP);
END $$
"""
_POSTGRESQL_OLD = """
CREATE OR REPLACE FUNCTION {table}_only_old() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF OLD.{moment} <= now() - interval '{days} days' THEN RETURN OLD; END IF;
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, lower(TG_OP);
END $$
"""
_POSTGRESQL = """
CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH {level} EXECUTE FUNCTION {function}()
"""


def expected(connection: BaseDatabaseWrapper) -> set[str]:
    """Return the names that must exist on this database."""
    verbs = ("update", "delete", "truncate") if connection.vendor == "postgresql" else ("update", "delete")
    return {f"{table}_no_{verb}" for table in GUARDED for verb in verbs}


def present(connection: BaseDatabaseWrapper) -> set[str]:
    """Return the names of the guards that exist and are switched on."""
    queries = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')",
    }
    with connection.cursor() as cursor:
        cursor.execute(queries[connection.vendor])
        return {name for (name,) in cursor.fetchall()} & expected(connection)


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the guards of the tables that stand, as they are meant today; doing it again changes nothing."""
    tables = set(connection.introspection.table_names())
    guarded = [table for table in GUARDED if table in tables]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_FUNCTION)
        for table in guarded:
            _install(connection, cursor, table)


def _install(connection: BaseDatabaseWrapper, cursor: Any, table: str) -> None:
    customer = _CUSTOMER_OF.get(table)
    erased = _ERASED.format(customer=customer)
    other, is_emptied = _MAY_EMPTY_TOO.get(table, ("", ""))
    moment, days = _MAY_GO_AFTER_DAYS.get(table, ("", 0))
    if connection.vendor == "postgresql":
        function = "rewards_refuse_change"
        if customer:
            same = f"(NEW.{other} IS NOT DISTINCT FROM OLD.{other} OR {is_emptied})" if other else "TRUE"
            cursor.execute(_POSTGRESQL_NOTE.format(table=table, erased=erased, other=other, same=same))
        if moment:
            cursor.execute(_POSTGRESQL_OLD.format(table=table, moment=moment, days=days))
        for verb, level in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT")):
            own = f"{table}_only_its_note" if customer and verb == "update" else function
            own = f"{table}_only_old" if moment and verb == "delete" else own
            cursor.execute(_POSTGRESQL.format(table=table, verb=verb, level=level, function=own))
        return
    unless = {"update": "", "delete": _SQLITE_OLD.format(moment=moment, days=days) if moment else ""}
    if customer:
        columns = [each.name for each in connection.introspection.get_table_description(cursor, table)]
        kept = [f'NEW."{name}" IS OLD."{name}"' for name in columns if name not in ("note", other)]
        same = " AND ".join([*kept, f"(NEW.{other} IS OLD.{other} OR {is_emptied})"] if other else kept)
        unless["update"] = _SQLITE_NOTE.format(same=same, erased=erased)
    for verb in ("update", "delete"):
        # Made anew: what a note may become depends on the columns that the table has today.
        cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
        cursor.execute(_SQLITE.format(table=table, verb=verb, unless=unless[verb]))


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the guards: for a migration that must rebuild history, and for emptying a test database."""
    with connection.cursor() as cursor:
        for name in present(connection):
            table = next(table for table in GUARDED if name.startswith(table))
            cursor.execute(
                f"DROP TRIGGER {name} ON {table}" if connection.vendor == "postgresql" else f"DROP TRIGGER {name}"
            )


def install_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Put the guards back once the tables stand; a rebuilt SQLite table has lost them."""
    connection = connections[using]
    if set(GUARDED) <= set(connection.introspection.table_names()):
        install(connection)

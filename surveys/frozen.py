"""Published versions do not change, and neither does what a survey promises about names: triggers refuse whoever goes round
the pages. Answers point at a version, so a word changed in it would change what people have said.
"""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = ("surveys_survey", "surveys_surveyversion", "surveys_question")
_PUBLISHED = "EXISTS (SELECT 1 FROM surveys_surveyversion WHERE published_at IS NOT NULL AND {of})"
_QUESTION = _PUBLISHED.format(of="id = {row}.version_id")
_SURVEY = _PUBLISHED.format(of="survey_id = NEW.id")

# Name -> table, verb, and when it refuses; SQLite.
_SQLITE = {
    "survey_keeps_its_promise": ("surveys_survey", "UPDATE OF anonymity", f"NEW.anonymity <> OLD.anonymity AND {_SURVEY}"),
    "version_stays": ("surveys_surveyversion", "UPDATE", "OLD.published_at IS NOT NULL"),
    "version_is_kept": ("surveys_surveyversion", "DELETE", "OLD.published_at IS NOT NULL"),
    "question_is_not_added": ("surveys_question", "INSERT", _QUESTION.format(row="NEW")),
    "question_stays": (
        "surveys_question", "UPDATE", f"{_QUESTION.format(row='OLD')} OR {_QUESTION.format(row='NEW')}",
    ),
    "question_is_kept": ("surveys_question", "DELETE", _QUESTION.format(row="OLD")),
}  # fmt: skip
_SQLITE_TRIGGER = """
CREATE TRIGGER {name} BEFORE {verb} ON {table} WHEN {condition}
BEGIN SELECT RAISE(ABORT, 'a published survey does not change ({name})'); END
"""
_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF {condition} THEN
    RAISE EXCEPTION 'a published survey does not change ({name})' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN {row};
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE OR REPLACE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()
"""


def expected() -> set[str]:
    """Return the names of the triggers that must exist."""
    return {f"frozen_{name}" for name in _SQLITE}


def present(connection: BaseDatabaseWrapper) -> set[str]:
    """Return those that exist and are switched on."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if connection.vendor == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name for (name,) in cursor.fetchall()} & expected()


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers as they are meant today; doing it again changes nothing."""
    with connection.cursor() as cursor:
        for short, (table, verb, condition) in _SQLITE.items():
            words = {"name": f"frozen_{short}", "table": table, "verb": verb, "condition": condition}
            if connection.vendor == "postgresql":
                cursor.execute(_POSTGRESQL_FUNCTION.format(**words, row="OLD" if verb == "DELETE" else "NEW"))
                cursor.execute(_POSTGRESQL_TRIGGER.format(**words))
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {words['name']}")
                cursor.execute(_SQLITE_TRIGGER.format(**words))


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers: for a migration that must rebuild a table, and for emptying a test database."""
    with connection.cursor() as cursor:
        for name in sorted(present(connection)):
            table = _SQLITE[name.removeprefix("frozen_")][0]
            cursor.execute(
                f"DROP TRIGGER {name} ON {table}" if connection.vendor == "postgresql" else f"DROP TRIGGER {name}"
            )


def install_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Put the triggers back once the tables stand; a rebuilt SQLite table has lost them."""
    connection = connections[using]
    if set(TABLES) <= set(connection.introspection.table_names()):
        install(connection)

"""Rating links that were opened: kept to tell scanners from people, never an answer."""

import datetime as dt
import re
import uuid

from customers import statements
from customers.statements import Statement
from surveys.models import Intent, Invitation

# More than anybody opens; a robot that goes on adds nothing.
MOST = 50
_SCANNER = re.compile(
    r"bot\b|bot/|crawl|spider|scan|preview|proofpoint|mimecast|barracuda|safelinks|urldefense|fireeye|symantec|"
    r"headless|python-|curl/|wget/|go-http|java/|okhttp|libwww|axios",
    re.IGNORECASE,
)


def agent_of(user_agent: str) -> Intent.Agent:
    """Return which kind of program calls itself so. Anybody can call themselves anything, so it decides nothing."""
    if _SCANNER.search(user_agent):
        return Intent.Agent.SCANNER
    return Intent.Agent.BROWSER if user_agent.startswith("Mozilla/") else Intent.Agent.OTHER


_NOTE = """
INSERT INTO surveys_intent (invitation_id, value, agent, occurred_at) SELECT %s, %s, %s, %s
WHERE (SELECT count(*) FROM surveys_intent WHERE invitation_id = %s) < %s
"""


def note(*, invitation_id: uuid.UUID, value: int | None, agent: Intent.Agent, now: dt.datetime) -> None:
    """Note that a rating link was opened, with no value for the one that people cannot see; some per invitation at most."""
    key = Invitation._meta.pk.get_db_prep_value(invitation_id, statements.connection)
    statements.run(Statement(_NOTE, [key, value, str(agent), statements.stored(now), key, MOST]))

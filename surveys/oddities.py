"""What looks odd about an answer. It is remarked, never refused: people are quick, and some agree with everything."""

import datetime as dt
import itertools
from collections.abc import Mapping
from typing import Any

from surveys.models import Intent, Invitation, Message, Question, RewardGrant

# So many ratings alike are a line drawn straight down, not an opinion.
LINE = 5
BURST = dt.timedelta(seconds=10)
AT_ONCE = dt.timedelta(seconds=60)
Kind = Question.Kind
_RATED = (Kind.CSAT, Kind.CES, Kind.STARS, Kind.SCALE, Kind.MATRIX)

# Remarks about the visit; they hold nothing back.
TWO_RATINGS, RIGHT_AFTER_SENDING, TRAP, NO_SCRIPT, SCANNER = (
    "two_ratings", "right_after_sending", "trap", "no_script", "scanner",
)  # fmt: skip


def of_haste(seconds: int | None, *, shortest: int) -> list[str]:
    """Return the remark on how long it took, if there is one; an unknown time says nothing."""
    return [RewardGrant.Reason.TOO_FAST.value] if seconds is not None and seconds < shortest else []


def of_answers(values: Mapping[Question, Any]) -> list[str]:
    """Return the remarks on the answers themselves, whichever they are: a line of fives is as odd as one of ones."""
    given: list[int] = []
    for question, value in values.items():
        if question.kind in _RATED and value is not None:
            given += [number for number in (value if isinstance(value, list) else [value]) if number is not None]
    is_line = len(given) >= LINE and len(set(given)) == 1
    return [RewardGrant.Reason.STRAIGHT_LINE.value] if is_line else []


def of_visits(*, invitation: Invitation, has_script: bool) -> list[str]:
    """Return the remarks on how the links of the mail were opened, which tell scanners from people only together."""
    found = [] if has_script else [NO_SCRIPT]
    visits = list(invitation.intents.order_by("occurred_at", "pk"))
    rated = [visit for visit in visits if visit.value is not None]
    if any(
        first.value != then.value and then.occurred_at - first.occurred_at <= BURST
        for first, then in itertools.pairwise(rated)
    ):
        found.append(TWO_RATINGS)
    if any(visit.value is None for visit in visits):
        found.append(TRAP)
    if any(visit.agent == Intent.Agent.SCANNER for visit in visits):
        found.append(SCANNER)
    sent_at = _sent_at(invitation) if visits else None
    if sent_at and any(visit.occurred_at - sent_at < AT_ONCE for visit in visits):
        found.append(RIGHT_AFTER_SENDING)
    return found


def _sent_at(invitation: Invitation) -> dt.datetime | None:
    sent = Message.objects.filter(invitation=invitation, finished_at__isnull=False)
    return sent.order_by("finished_at").values_list("finished_at", flat=True).first()

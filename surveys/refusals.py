"""Why somebody is not asked, as the branches of a CASE over a set of customers: the first that holds is the reason.

Each is one look into an index. Their order is that of docs/surveys.md#who-is-skipped, and the claim asks the same again of
a few rows (surveys/claiming.py). A branch speaks of `fact`, the customers to be considered (surveys/planning.py).
"""

import datetime as dt
from typing import NamedTuple

from customers import statements
from surveys import channels, quarantine
from surveys.models import Invitation, Run
from surveys.runs import MAYBE_SENT

Skip = Invitation.Skip


class Branch(NamedTuple):
    """A condition, the values for its places, and the reason it stands for."""

    condition: str
    skip: str
    values: tuple[object, ...] = ()


def branches(*, run: Run, now: dt.datetime) -> tuple[str, list[object]]:
    """Return the branches as text, and the values for their places."""
    found = [*_refused(run, now), *_left_in_peace(run, now)]
    text = " ".join(f"WHEN {branch.condition} THEN '{branch.skip}'" for branch in found)
    return text, [value for branch in found for value in branch.values]


def _refused(run: Run, now: dt.datetime) -> list[Branch]:
    """What the address or the customer's own word forbids."""
    suppressed = "SELECT 1 FROM surveys_suppression x WHERE x.email_hash = fact.email_hash"
    latest = "SELECT MAX(y.occurred_at) FROM surveys_suppression y WHERE y.email_hash = fact.email_hash"
    preference = "SELECT 1 FROM surveys_surveypreference p WHERE p.customer_id = fact.customer_id"
    channel = channels.way_of(run.campaign).consent
    agreed = f"COALESCE(({_latest_word('is_granted', channel)}), false)"
    return [
        Branch("fact.mailbox = ''", Skip.INVALID_ADDRESS),
        Branch(f"EXISTS ({suppressed} AND x.reason <> 'unsubscribed')", Skip.SUPPRESSED),
        # A consent given after it lifts an unsubscription. Whether there is any is asked first, by itself: PostgreSQL answers
        # that from a table of hashes, and looks at times only for the few.
        Branch(
            f"EXISTS ({suppressed}) AND (NOT {agreed} OR ({_latest_word('occurred_at', channel)}) <= ({latest}))",
            Skip.UNSUBSCRIBED,
        ),
        Branch(f"NOT {agreed}", Skip.NO_CONSENT),
        Branch(
            f"EXISTS ({preference} AND p.campaign_id = %s AND p.is_left_out)", Skip.UNSUBSCRIBED, (run.campaign_id,)
        ),
        Branch(
            f"EXISTS ({preference} AND p.campaign_id IS NULL AND p.paused_until > %s)",
            Skip.PAUSED,
            (statements.stored(now),),
        ),
    ]


def _latest_word(column: str, channel: str) -> str:
    return (
        f"SELECT w.{column} FROM customers_consent w WHERE w.customer_id = fact.customer_id AND w.channel = '{channel}' "  # noqa: S608
        "AND w.purpose = 'surveys' ORDER BY w.id DESC LIMIT 1"
    )


def _left_in_peace(run: Run, now: dt.datetime) -> list[Branch]:
    """Who was asked or has answered not long ago, in any other run, or is wanted by a campaign that goes first."""
    campaign = run.campaign
    since = statements.stored(now - quarantine.length(campaign))
    rested = statements.stored(now - dt.timedelta(days=campaign.answered_days))
    states = ", ".join(f"'{state}'" for state in MAYBE_SENT)
    found = [
        Branch(
            _elsewhere("JOIN surveys_response a ON a.invitation_id = q.id", "a.completed_at > %s AND NOT a.is_test"),
            Skip.ALREADY_ANSWERED,
            (run.pk, rested),
        ),
        Branch(
            _elsewhere(_WITH_MAILS, f"m.state IN ({states}) AND (m.finished_at IS NULL OR m.finished_at > %s)"),
            Skip.QUARANTINE,
            (run.pk, since),
        ),
    ]
    if quiet := quarantine.anonymous_runs(campaign=campaign, now=now):
        runs = ", ".join(["%s"] * len(quiet))
        condition = f"q.has_answered AND q.run_id IN ({runs})"
        found.insert(1, Branch(_elsewhere("", condition), Skip.ALREADY_ANSWERED, (run.pk, *quiet)))
    if first := quarantine.going_first(campaign=campaign):
        runs = ", ".join(["%s"] * len(first))
        until = statements.stored(now + quarantine.length(campaign))
        wanted = f"m.run_id IN ({runs}) AND m.kind = 'invite' AND m.state = 'queued' AND m.not_before < %s"
        found.append(Branch(_elsewhere(_WITH_MAILS, wanted), Skip.QUARANTINE, (run.pk, *first, until)))
    return found


_WITH_MAILS = "JOIN surveys_message m ON m.invitation_id = q.id"


def _elsewhere(join: str, condition: str) -> str:
    """Return whether the customer was considered in another run, of which something is true."""
    return (
        f"EXISTS (SELECT 1 FROM surveys_invitation q {join} "  # noqa: S608 (our own names)
        f"WHERE q.customer_id = fact.customer_id AND q.run_id <> %s AND {condition})"
    )

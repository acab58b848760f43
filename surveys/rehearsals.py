"""Before a campaign leaves: who of its audience would get a mail now and who would not, with the reasons, and nothing written."""

import datetime as dt
import math
from array import array
from dataclasses import dataclass

from customers import segments
from customers.bulk import large_sets
from surveys import audience, planning
from surveys.models import Campaign, Invitation, Run, Wording

# So many customers are judged one by one; of a larger audience so many at even distances, and the numbers are scaled up.
MOST = 20_000


@dataclass(frozen=True)
class Rehearsal:
    """Customers considered, those who would get no mail by reason, and the mails; the numbers add up."""

    considered: int
    skips: dict[str, int]
    is_sampled: bool = False

    @property
    def mails(self) -> int:
        """How many would get a mail."""
        return self.considered - sum(self.skips.values())

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """The reasons in words, in the order in which they are looked for, and how many customers each."""
        return [(skip.label, self.skips[skip]) for skip in Invitation.Skip if self.skips.get(skip)]


def rehearse(*, campaign: Campaign, now: dt.datetime, most: int = MOST) -> Rehearsal:
    """Judge the audience of now as if the campaign left at its time, by the same statement that plans a run.

    Whom the lot keeps apart is drawn anew for each run, so these are as many as will be, not the same ones.
    """
    if segments.find(campaign.segment) is None:
        return Rehearsal(0, {})
    at = max(now, campaign.scheduled_at or now)
    run = Run(pk=0, campaign=campaign, planned_at=at, audience_at=now)
    with large_sets():
        members = array("q", audience.members_of(run).values_list("pk", flat=True).iterator(chunk_size=10_000))
        chosen = members[:: math.ceil(len(members) / most) or 1]
        known = planning.facts(run=run, members=chosen, now=at, wordings=[Wording(pk=0)])
        skips = planning.foresee(run=run, known=known, now=at)
    if len(chosen) == len(members):
        return Rehearsal(len(members), skips)
    # Rounded down, so that the mails are never fewer than none.
    scaled = {skip: number * len(members) // len(chosen) for skip, number in skips.items()}
    return Rehearsal(len(members), scaled, is_sampled=True)

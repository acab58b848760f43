"""When asking stands still, staff hear of it: a time that was missed, and mails that are due and do not leave."""

import datetime as dt
from collections.abc import Sequence

from customers import staff_mail
from customers.timezones import programme_date
from surveys import mailing
from surveys.models import Run

READERS = "surveys.change_run"


def tell(*, now: dt.datetime) -> bool:
    """Mail whoever runs campaigns, once a day, that mails are due and nobody sends them; return whether that is so."""
    since = mailing.due_since(now=now)
    if since is None:
        return False
    staff_mail.queue(
        kind="surveys_stalled", source=programme_date(now).isoformat(), context={"since_at": since.isoformat()},
        readers=staff_mail.who_may(READERS), now=now,
    )  # fmt: skip
    return True


def tell_of_missed(*, runs: Sequence[Run], now: dt.datetime) -> None:
    """Queue one mail to each of them about the times that a campaign has missed, in the transaction that found them."""
    if not runs:
        return
    newest = max(runs, key=lambda run: run.planned_at)
    context = {
        "campaign": newest.campaign.name, "missed": len(runs), "run": newest.pk, "planned_at": newest.planned_at.isoformat(),
    }  # fmt: skip
    staff_mail.queue(
        kind="campaign_missed", source=f"run:{newest.pk}", context=context, readers=staff_mail.who_may(READERS), now=now
    )

"""What must hold of the ledger of mails whatever happened, as checks that name the rows which break it.

The numbers are those of docs/surveys.md#checks. Each check is set-based and returns what is wrong, empty when all is well;
`mails` are the message ids that a mail server really got.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable

from django.db import connection
from django.db.models import Case, Count, Exists, OuterRef, Q, Value, When

from customers.models import Consent
from rewards.models import PointTransaction
from surveys import channels
from surveys.models import Invitation, Message, Response, Run
from surveys.runs import MAYBE_SENT, counts

Ids = Iterable[uuid.UUID]
State = Message.State


def arrived_twice(*, mails: Ids) -> list[uuid.UUID]:
    """I1: return the messages that a mail server got more than once."""
    return [pk for pk, times in Counter(mails).items() if times > 1]


def unaccounted(*, run: Run | None = None) -> list[uuid.UUID]:
    """I2: return the invitations that are neither skipped for a reason nor have exactly one first mail.

    So considered = skipped + every state of the first mails, for each run.
    """
    first = Count("messages", filter=Q(messages__kind=Message.Kind.INVITE) & ~Q(messages__state=State.SKIPPED))
    invitations = Invitation.objects.all() if run is None else run.invitations.all()
    wrong = invitations.annotate(_mails=first).filter(Q(skip="") & ~Q(_mails=1) | ~Q(skip="") & Q(_mails__gt=0))
    return list(wrong.order_by("pk").values_list("pk", flat=True))


def does_not_add_up(*, run: Run) -> int:
    """I2 in figures: return considered minus the sum of everything it must consist of; zero when all is well."""
    found = counts(run=run)
    return found.considered - found.skipped - sum(found.states.values())


def accepted_but_nowhere(*, mails: Ids) -> list[uuid.UUID]:
    """I3: return the messages that we call accepted and no mail server got."""
    said = Message.objects.filter(state__in=(State.ACCEPTED, State.DELIVERED, State.BOUNCED, State.COMPLAINED))
    got = set(mails)
    return [pk for pk in said.order_by("pk").values_list("pk", flat=True) if pk not in got]


def uncertain() -> int:
    """I4: return how many messages are uncertain; at most kills x processes x mails per claim."""
    return Message.objects.filter(state=State.UNCERTAIN).count()


def mailed_after_unsubscribing(*, grace: dt.timedelta) -> list[uuid.UUID]:
    """I5: return the messages that left more than `grace` after their customer had withdrawn, with no new consent between."""
    by_message = Q(run__campaign__gateway__isnull=False)
    way = Case(When(by_message, then=Value(channels.BY_MESSAGE.consent)), default=Value(channels.BY_MAIL.consent))
    words = Consent.objects.filter(
        customer=OuterRef("invitation__customer"), channel=OuterRef("_way"), purpose=Consent.Purpose.SURVEYS
    )
    again = Consent.objects.filter(
        customer=OuterRef("customer"),
        channel=OuterRef("channel"),
        purpose=Consent.Purpose.SURVEYS,
        is_granted=True,
        pk__gt=OuterRef("pk"),
        occurred_at__lte=OuterRef(OuterRef("finished_at")),
    )
    withdrawn = words.filter(~Exists(again), is_granted=False, occurred_at__lt=OuterRef("finished_at") - grace)
    left = Message.objects.alias(_way=way).filter(Exists(withdrawn), state__in=MAYBE_SENT)
    return list(left.order_by("pk").values_list("pk", flat=True))


def asked_too_soon() -> list[uuid.UUID]:
    """I6: return the first mails that left within their campaign's quarantine (a day at least) after a mail of another run."""
    gap = (
        "EXTRACT(EPOCH FROM (later.finished_at - earlier.finished_at))"
        if connection.vendor == "postgresql"
        else "(julianday(later.finished_at) - julianday(earlier.finished_at)) * 86400"
    )
    states = ", ".join(["%s"] * len(MAYBE_SENT))
    sql = f"""
        SELECT DISTINCT later.id FROM surveys_message later
        JOIN surveys_invitation invited ON invited.id = later.invitation_id
        JOIN surveys_run run ON run.id = later.run_id
        JOIN surveys_campaign campaign ON campaign.id = run.campaign_id
        JOIN surveys_invitation before ON before.customer_id = invited.customer_id AND before.id <> invited.id
        JOIN surveys_message earlier ON earlier.invitation_id = before.id
        WHERE later.kind = 'invite' AND later.state IN ({states}) AND earlier.state IN ({states})
          AND earlier.finished_at <= later.finished_at AND earlier.id <> later.id
          AND {gap} < 86400 * CASE WHEN campaign.quarantine_days > 1 THEN campaign.quarantine_days ELSE 1 END - 0.001
    """  # noqa: S608 (our own names)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*MAYBE_SENT, *MAYBE_SENT])
        return sorted(uuid.UUID(str(pk)) for (pk,) in cursor.fetchall())


def thanked_without_answering() -> int:
    """I7: return how many thank-you bookings there are beyond the completed answers; zero or less when all is well."""
    thanks = PointTransaction.objects.filter(kind="earn", source__startswith="survey:").count()
    return max(0, thanks - Response.objects.completed().count())


def reminded_in_vain() -> list[uuid.UUID]:
    """Return the reminders that left although the first mail did not, or after the answer had been given."""
    invited = Message.objects.filter(invitation=OuterRef("invitation"), kind=Message.Kind.INVITE, state__in=MAYBE_SENT)
    answered = Response.objects.completed().filter(
        invitation=OuterRef("invitation"), completed_at__lt=OuterRef("finished_at") - dt.timedelta(minutes=5)
    )
    left = Message.objects.filter(kind=Message.Kind.REMINDER, state__in=MAYBE_SENT)
    return list(left.filter(~Exists(invited) | Exists(answered)).order_by("pk").values_list("pk", flat=True))


def all_of_it(*, grace: dt.timedelta = dt.timedelta(minutes=5)) -> dict[str, object]:
    """Return, by check, what is wrong with the ledger itself; empty when all is well. The mail server is not asked."""
    found: dict[str, object] = {
        "I2": unaccounted(),
        "I5": mailed_after_unsubscribing(grace=grace),
        "I6": asked_too_soon(),
        "I7": thanked_without_answering(),
        "reminders": reminded_in_vain(),
    }
    return {name: wrong for name, wrong in found.items() if wrong}

"""How fast messages may leave through the surveys' mailer or a gateway: a bucket of tokens each, shared by all workers.

A worker leases tokens for a batch before it claims one. A provider that throttles halves the pace; it comes back by a
quarter each minute, up to what staff allow, or is dropped once it has grown fourfold.
"""

import datetime as dt
import logging

from django.db import transaction
from django.db.models import F

from surveys.models import MailAccount

logger = logging.getLogger(__name__)

MAILER = "surveys"
SLOWEST = 0.2  # mails per second; a throttled account still sends one every five seconds
GROWTH = 1.25  # per minute
FORGOTTEN = 4.0  # an account without a limit of its own is free again at so many times the pace of its throttling
# Workers that hear of the same throttling one after the other halve the pace once.
SAME_THROTTLING = dt.timedelta(seconds=10)


def mailer_of(gateway_id: int | None) -> str:
    """Return what stands for the account of a gateway, or of the mails."""
    return f"gateway:{gateway_id}" if gateway_id else MAILER


def per_second(*, now: dt.datetime, mailer: str = MAILER) -> float | None:
    """Return how many mails may leave in a second now, None for as many as can."""
    account = MailAccount.objects.filter(mailer=mailer).first()
    return of(account, now=now) if account else None


def lease(*, wanted: int, now: dt.datetime, mailer: str = MAILER) -> int:
    """Take up to `wanted` tokens out of the bucket and return how many there were."""
    account = MailAccount.objects.filter(mailer=mailer).first()
    if account is None or of(account, now=now) is None:
        return wanted
    with transaction.atomic():
        account = MailAccount.objects.select_for_update().get(pk=account.pk)
        pace = of(account, now=now)
        if pace is None:
            return wanted
        seconds = max(0.0, (now - account.counted_at).total_seconds())
        # A second's worth at most, and one mail at least.
        there = min(int(max(pace, 1.0) * 1000), account.thousandths + int(seconds * pace * 1000))
        taken = min(wanted, there // 1000)
        account.thousandths, account.counted_at = there - taken * 1000, max(now, account.counted_at)
        account.save(update_fields=["thousandths", "counted_at"])
    return taken


def give_back(*, tokens: int, mailer: str = MAILER) -> None:
    """Return what was leased and not used."""
    if tokens > 0:
        MailAccount.objects.filter(mailer=mailer).update(thousandths=F("thousandths") + tokens * 1000)


def throttled(*, observed: float, now: dt.datetime, mailer: str = MAILER) -> float:
    """Halve the pace, which was `observed` mails per second where nobody set one, and return the new one."""
    with transaction.atomic():
        account, _is_new = MailAccount.objects.select_for_update().get_or_create(mailer=mailer)
        pace = of(account, now=now)
        if account.throttled_at and pace is not None and now - account.throttled_at < SAME_THROTTLING:
            return pace
        pace = max(SLOWEST, (observed if pace is None else pace) / 2)
        account.per_minute, account.throttled_at = round(pace * 60), now
        account.thousandths, account.counted_at = 0, now
        account.save()
    logger.warning("The provider of %s throttles: %.1f messages per second from now on", mailer, pace)
    return pace


def of(account: MailAccount, *, now: dt.datetime) -> float | None:
    """Return the pace in force: what staff allow, or less for a while after a throttling."""
    most = account.most_per_second
    if account.per_minute is None or account.throttled_at is None:
        return most
    minutes = max(0.0, (now - account.throttled_at).total_seconds() / 60)
    grown = GROWTH ** min(minutes, 60)
    if most is None:
        return None if grown >= FORGOTTEN else account.per_minute / 60 * grown
    return min(most, account.per_minute / 60 * grown)

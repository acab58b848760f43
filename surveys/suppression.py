"""Addresses that get no more surveys: one mailbox however it is spelt, or a number, kept as a hash that outlives an erasure."""

import datetime as dt
import hashlib
import re
from collections.abc import Iterable

from django.db import transaction

from customers.models import Consent
from surveys import channels
from surveys.models import Invitation, Suppression

# Providers that deliver name+anything to name; Gmail ignores dots, too.
_TAGGED = {"gmail.com", "outlook.com", "hotmail.com", "live.com", "icloud.com", "fastmail.com", "proton.me"}
_SAME = {"googlemail.com": "gmail.com", "protonmail.com": "proton.me"}
# A phone number as it is kept of customers (E.164).
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def normalise(email: str) -> str:
    """Return the mailbox that an address reaches, so that two spellings of it compare equal; empty when it is none.

    A phone number of the form +49301234567 stands for itself.
    """
    if _NUMBER.fullmatch(email.strip()):
        return email.strip()
    local, _at, domain = email.strip().lower().rpartition("@")
    domain = domain.rstrip(".")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            return ""
    domain = _SAME.get(domain, domain)
    if domain in _TAGGED:
        local = local.partition("+")[0]
    if domain == "gmail.com":
        local = local.replace(".", "")
    return f"{local}@{domain}" if local and domain else ""


def email_hash(email: str) -> str:
    """Return what is kept of an address: unkeyed, because a changed secret must not bring unsubscribed people back."""
    return mailbox_hash(normalise(email))


def mailbox_hash(mailbox: str) -> str:
    """Return the same of an address that is normalised already."""
    return hashlib.sha256(b"loyalty suppression v1:" + mailbox.encode()).hexdigest()


def suppress(
    *, email: str, scope: Suppression.Scope, reason: Suppression.Reason, source: str, occurred_at: dt.datetime
) -> Suppression:
    """Stop mails of a scope to a mailbox and return the row; a second reason moves its time, a graver one replaces it.

    An unsubscription is the weakest reason, since a later consent lifts it (see `suppressed`).
    """
    return suppress_hash(
        email_hash=email_hash(email), scope=scope, reason=reason, source=source, occurred_at=occurred_at
    )


def suppress_hash(
    *, email_hash: str, scope: Suppression.Scope, reason: Suppression.Reason, source: str, occurred_at: dt.datetime
) -> Suppression:
    """Do the same to a mailbox of which only the hash is known."""
    with transaction.atomic():
        row, is_new = Suppression.objects.select_for_update().get_or_create(
            email_hash=email_hash,
            scope=scope,
            defaults={"reason": reason, "source": source[:200], "occurred_at": occurred_at},
        )
        weakest = Suppression.Reason.UNSUBSCRIBED
        if not is_new and (occurred_at > row.occurred_at or row.reason == weakest != reason):
            if reason != weakest or row.reason == reason:
                row.reason, row.source = reason, source[:200]
            row.occurred_at = max(occurred_at, row.occurred_at)
            row.save(update_fields=["reason", "source", "occurred_at"])
    return row


def suppressed(*, emails: Iterable[str]) -> dict[str, Suppression]:
    """Return, by normalised address, the suppressions that concern surveys; the graver one where a mailbox has two.

    One query for all. A row of reason "unsubscribed" is lifted by a consent given after it; whoever asks compares.
    """
    by_hash = {email_hash(email): normalise(email) for email in emails}
    rows = Suppression.objects.filter(email_hash__in=list(by_hash))
    found: dict[str, Suppression] = {}
    for row in sorted(rows, key=lambda row: row.reason != Suppression.Reason.UNSUBSCRIBED):
        found[by_hash[row.email_hash]] = row
    return found


def refusal(*, suppression: Suppression | None, consent: Consent | None) -> Invitation.Skip | str:
    """Return why a mailbox with this suppression and this latest consent gets no survey, or an empty string."""
    if suppression and suppression.reason != Suppression.Reason.UNSUBSCRIBED:
        return Invitation.Skip.SUPPRESSED
    if suppression and not (consent and consent.is_granted and consent.occurred_at > suppression.occurred_at):
        return Invitation.Skip.UNSUBSCRIBED
    return "" if consent and consent.is_granted else Invitation.Skip.NO_CONSENT


def latest_consents(*, customer_ids: Iterable[int], channel: str = Consent.Channel.EMAIL) -> dict[int, Consent]:
    """Return each customer's latest word on surveys by mail, or by another channel, in one query."""
    rows = Consent.objects.filter(customer__in=list(customer_ids), channel=channel, purpose=Consent.Purpose.SURVEYS)
    return {row.customer_id: row for row in rows.order_by("pk")}


def unsubscribe(*, invitation: Invitation, source: str, now: dt.datetime) -> None:
    """End surveys to whoever got this invitation, by the way it came: withdraw the consent and suppress the address.

    Doing it again writes nothing new. What is still queued is dropped when it would be claimed. Who was asked by text
    message may still be asked by e-mail, and the other way round.
    """
    channel = channels.way_of(invitation.run.campaign).consent
    with transaction.atomic():
        Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
        consent = latest_consents(customer_ids=[invitation.customer_id], channel=channel).get(invitation.customer_id)
        if consent is None or consent.is_granted:
            Consent.objects.create(
                customer_id=invitation.customer_id,
                channel=channel,
                purpose=Consent.Purpose.SURVEYS,
                is_granted=False,
                source=source,
                occurred_at=now,
            )
        # An erased customer's invitation holds no address any more; there is nobody left to write to.
        if invitation.email:
            suppress(
                email=invitation.email,
                scope=Suppression.Scope.SURVEYS,
                reason=Suppression.Reason.UNSUBSCRIBED,
                source=source,
                occurred_at=now,
            )


def mask(text: str) -> str:
    """Return an error's text with every address and phone number taken out, fit for the database and the log."""
    text = re.sub(r"[^\s<>@\"'{(\[]+@[^\s<>@\"'})\]]+", "<address>", text)
    return re.sub(r"\+[0-9][0-9 ().-]{5,}[0-9]", "<number>", text)

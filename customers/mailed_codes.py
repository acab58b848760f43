"""A code of six digits mailed to a customer, to spend at the till or to confirm: five minutes, three tries, three codes an hour.

Together nine guesses an hour at a million codes. The mail leaves at once, like a code to sign in: nothing queued or stored
holds the code.
"""

import datetime as dt
import hmac
import logging
import secrets

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare

from customers import direct_mail
from customers.models import Customer, Identifier, MailedCode
from customers.proof_refusals import ProofRefused, Reason

logger = logging.getLogger(__name__)

VALID = dt.timedelta(minutes=5)
MOST_TRIES = 3
MOST_CODES, CODES_WITHIN = 3, dt.timedelta(hours=1)
KEPT = dt.timedelta(days=1)


TILL = MailedCode.Purpose.TILL


def send(*, customer: Customer, now: dt.datetime, purpose: MailedCode.Purpose = TILL) -> MailedCode:
    """Mail a customer a new code, which ends the one before of its purpose, and return its row. Raises ProofRefused."""
    email = (
        customer.identifiers.filter(kind=Identifier.Kind.EMAIL).order_by("pk").values_list("value", flat=True).first()
    )
    if email is None:
        raise ProofRefused(Reason.NO_ADDRESS)
    code = f"{secrets.randbelow(10**6):06}"
    with transaction.atomic(durable=True):
        # Two tills ask at once: the second waits here and then counts the first.
        Customer.objects.select_for_update().only("pk").get(pk=customer.pk)
        own = MailedCode.objects.filter(customer=customer, purpose=purpose)
        if own.filter(sent_at__gt=now - CODES_WITHIN).count() >= MOST_CODES:
            raise ProofRefused(Reason.TOO_MANY_MAILS)
        own.filter(sent_at__lt=now - KEPT).delete()
        row = MailedCode.objects.create(
            customer=customer, purpose=purpose, digest="", sent_at=now, expires_at=now + VALID
        )
        row.digest = _digest(row, code)
        row.save(update_fields=["digest"])
    _mail(customer, email, code, purpose)
    return row


def check(*, customer: Customer, code: str, now: dt.datetime, purpose: MailedCode.Purpose = TILL) -> None:
    """Use up the newest code of a customer for a purpose, and for no other; raises ProofRefused.

    Not inside a transaction: a try stays counted.
    """
    newest = MailedCode.objects.filter(customer=customer, purpose=purpose).order_by("-sent_at", "-pk").first()
    if newest is None:
        raise ProofRefused(Reason.NO_MAILED_CODE)
    alive = MailedCode.objects.filter(pk=newest.pk, used_at=None, expires_at__gt=now)
    with transaction.atomic(durable=True):
        is_counted = alive.filter(tries__lt=MOST_TRIES).update(tries=F("tries") + 1)
    if not is_counted:
        raise ProofRefused(Reason.NO_MAILED_CODE)
    if not constant_time_compare(newest.digest, _digest(newest, code)):
        newest.refresh_from_db()
        raise ProofRefused(Reason.MAILED_CODE_WRONG, tries_left=MOST_TRIES - newest.tries)
    if not alive.update(used_at=now):
        raise ProofRefused(Reason.NO_MAILED_CODE)


def masked(email: str) -> str:
    """Return as much of an address as a screen at the counter may show: a…@example.com."""
    name, _at, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"


def _digest(row: MailedCode, code: str) -> str:
    """Keyed: without the key a copy of the database would give six digits away at once."""
    key = b"customers.mailed_codes:1" + settings.SECRET_KEY.encode()
    return hmac.digest(key, f"{row.pk}:{code}".encode(), "sha256").hex()


def _mail(customer: Customer, email: str, code: str, purpose: MailedCode.Purpose) -> None:
    context = {"customer": customer, "code": code}
    try:
        direct_mail.send(kind=f"{purpose}_code", to=email, language=customer.mail_language, context=context)
    except Exception as error:
        logger.exception("A code could not be mailed to customer %s", customer.pk)
        raise ProofRefused(Reason.MAIL_NOT_SENT) from error

"""The till PIN: six digits that a customer chooses on their profile and types or says at the till.

A million possibilities are few, so each try is counted before it is looked at: however many tills try at once, five are. Then
the PIN is locked for half an hour, and the customer is told by mail.
"""

import datetime as dt
import re
from itertools import pairwise

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import Case, DateTimeField, F, Value, When
from django.utils.translation import gettext as _

from customers import notices
from customers.models import Customer, TillPin
from customers.notices import Letter
from customers.proof_refusals import ProofRefused, Reason

DIGITS = 6
MOST_TRIES = 5
LOCKED = dt.timedelta(minutes=30)


class WeakPin(Exception):
    """Not six digits, or six that everybody tries first; the text is for the customer."""


def choose(*, customer: Customer, pin: str, now: dt.datetime) -> TillPin:
    """Set or change a customer's PIN and return it; the customer is told by mail. Raises WeakPin.

    A lock stays: whoever guesses at the till and holds the phone as well does not get five more tries.
    """
    refuse_weak(pin=pin, customer=customer)
    digest = make_password(pin)
    with transaction.atomic():
        chosen, _is_new = TillPin.objects.update_or_create(
            customer=customer, defaults={"digest": digest, "set_at": now}
        )
        _tell(customer, "till_pin_set", now)
    return chosen


def remove(*, customer: Customer, now: dt.datetime) -> bool:
    """Take a customer's PIN away, tell them by mail, and return whether there was one."""
    with transaction.atomic():
        removed, _rows = TillPin.objects.filter(customer=customer).delete()
        if removed:
            _tell(customer, "till_pin_removed", now)
    return bool(removed)


def refuse_weak(*, pin: str, customer: Customer) -> None:
    """Raise WeakPin for what is no PIN or the first that somebody would try."""
    if not re.fullmatch(r"[0-9]{6}", pin):
        raise WeakPin(_("A till PIN has six digits."))
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    is_pattern = len(set(pin)) < 3 or steps in ({1}, {9}) or pin[:3] == pin[3:]
    if is_pattern or pin in _days(customer.birthday) or pin in customer.member_number:
        raise WeakPin(_("This PIN is easy to guess. Please choose another."))


def check(*, customer: Customer, pin: str, now: dt.datetime) -> None:
    """Return when the PIN is right; raises ProofRefused. Not inside a transaction: a try stays counted whatever follows."""
    own = TillPin.objects.filter(customer=customer)
    with transaction.atomic(durable=True):
        # Whose lock has ended begins anew; the last try locks before it is looked at, so that no crash opens a sixth.
        own.filter(locked_until__lte=now).update(tries=0, locked_until=None)
        is_last = When(tries__gte=MOST_TRIES - 1, then=Value(now + LOCKED))
        is_counted = own.filter(locked_until=None).update(
            tries=F("tries") + 1, locked_until=Case(is_last, default=None, output_field=DateTimeField())
        )
        known = own.first()
    if known is None:
        raise ProofRefused(Reason.PIN_MISSING)
    if not is_counted:
        raise ProofRefused(Reason.PIN_LOCKED, until=known.locked_until)
    if check_password(pin, known.digest):
        own.update(tries=0, locked_until=None)
        return
    if known.locked_until is None:
        raise ProofRefused(Reason.PIN_WRONG, tries_left=MOST_TRIES - known.tries)
    _tell(customer, "till_pin_locked", now, about=known.locked_until)
    raise ProofRefused(Reason.PIN_LOCKED, until=known.locked_until)


def _days(birthday: dt.date | None) -> set[str]:
    orders = ("%d%m%y", "%m%d%y", "%y%m%d")
    return {birthday.strftime(order) for order in orders} if birthday else set()


def _tell(customer: Customer, kind: str, now: dt.datetime, *, about: dt.datetime | None = None) -> None:
    notices.queue([Letter(customer.pk, kind, f"{kind}:{(about or now).isoformat()}", {})], now=now)

"""How a customer shows at the till that they want to spend: their phone, their PIN, or a code that was mailed to them."""

import datetime as dt
import uuid
from collections.abc import Callable

from django.utils.crypto import salted_hmac

from customers import mailed_codes, member_codes, spending_proof
from customers.models import Customer, Identifier, SpendingProof, TillPin, User
from customers.proof_refusals import ProofRefused

Kind = SpendingProof.Kind
__all__ = ["Kind", "ProofRefused", "is_ready", "kinds_of", "mail", "prove", "spend_with", "try_code"]


def kinds_of(customer: Customer) -> list[str]:
    """Return the ways by digits that are open to a customer, besides the code on the phone: the PIN first."""
    has_pin = TillPin.objects.filter(customer=customer).exists()
    has_mail = customer.identifiers.filter(kind=Identifier.Kind.EMAIL).exists()
    return [kind for kind, is_open in ((Kind.PIN, has_pin), (Kind.MAIL, has_mail)) if is_open]


def mail(*, customer: Customer, now: dt.datetime) -> None:
    """Mail a customer a code to read out. Raises ProofRefused."""
    mailed_codes.send(customer=customer, now=now)


def prove(*, customer: Customer, text: str, kind: str, key: uuid.UUID, by: User, now: dt.datetime) -> str:
    """Return the key of a proof for what was scanned or typed, the same for every try of one sale. Raises ProofRefused.

    Digits as long as a phone's code are one.
    """
    secret = "".join(text.split())
    if member_codes.looks_fresh(secret):
        kind = Kind.CODE
    # Keyed, since six digits could be guessed from a plain digest.
    request_key = salted_hmac("till.proof", f"{key}:{kind}:{secret}", algorithm="sha256").hexdigest()
    row = spending_proof.prove(customer=customer, kind=kind, secret=secret, by=by, now=now, request_key=request_key)
    return str(row.pk)


def try_code(*, customer: Customer, text: str, by: User, now: dt.datetime) -> str:
    """Return the key of a proof when a customer was found by a code that still spends, else nothing."""
    try:
        return prove(customer=customer, text=text, kind=Kind.CODE, key=uuid.uuid4(), by=by, now=now)
    except ProofRefused:
        return ""


def is_ready(*, proof: str, customer: Customer, by: User, now: dt.datetime) -> bool:
    """Return whether a proof still lets a spending through."""
    key = _key(proof)
    rows = SpendingProof.objects.filter(pk=key, customer=customer, by=by, used_for="", expires_at__gt=now)
    return key is not None and rows.exists()


def spend_with(*, proof: str, customer: Customer, by: User, source: str, now: dt.datetime) -> Callable[[], object]:
    """Return what a sale calls in its transaction to use a proof up; it raises ProofRefused."""
    return lambda: spending_proof.use(proof_id=_key(proof), customer=customer, by=by, source=source, now=now)


def _key(proof: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(proof)
    except ValueError:
        return None

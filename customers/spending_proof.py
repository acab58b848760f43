"""May this customer spend? They show it by a fresh code on their phone, by their till PIN, or by a mailed code.

`prove` checks what they show and keeps a row; `use` lets one spending through with it, in the transaction of the spending. The
static number of a card never proves anything: a copied card collects points for its owner, and that is all.

    proof = spending_proof.prove(customer=alice, kind="code", secret=scanned, by=cashier, now=now)
    with transaction.atomic():
        spending_proof.use(proof_id=proof.pk, customer=alice, by=cashier, source="till:42", now=now)
        ...  # spend
"""

import datetime as dt
import uuid

from django.db import IntegrityError, transaction
from django.db.models import Q

from customers import mailed_codes, member_codes, till_pins
from customers.models import Customer, SpendingProof, User
from customers.proof_refusals import ProofRefused, Reason

VALID = dt.timedelta(minutes=10)
Kind = SpendingProof.Kind


def prove(
    *, customer: Customer, kind: str, secret: str, by: User | None, now: dt.datetime, request_key: str | None = None
) -> SpendingProof:
    """Return a proof that lets a customer spend once within ten minutes, through the same member of staff.

    `request_key` makes a repeated request safe: it gets the first proof. Raises ProofRefused. Not inside a transaction, since
    wrong tries stay counted.
    """
    kind = Kind(kind)
    if earlier := _earlier(customer, by, request_key):
        return earlier
    refuse_held(customer=customer, now=now)
    text = "".join(secret.split())
    digest = None
    if kind == Kind.CODE:
        digest = _read_code(customer, text, now)
    elif kind == Kind.PIN:
        till_pins.check(customer=customer, pin=text, now=now)
    else:
        mailed_codes.check(customer=customer, code=text, now=now)
    proof = SpendingProof(
        customer=customer, kind=kind, code_digest=digest, request_key=request_key, by=by, proved_at=now,
        expires_at=now + VALID,
    )  # fmt: skip
    try:
        with transaction.atomic():
            proof.save(force_insert=True)
    except IntegrityError as error:
        # The code was shown before, or this very request is being answered by another process.
        if earlier := _earlier(customer, by, request_key):
            return earlier
        raise ProofRefused(Reason.CODE_USED) from error
    return proof


def use(
    *, proof_id: uuid.UUID | None, customer: Customer, by: User | None, source: str, now: dt.datetime
) -> SpendingProof:
    """Let one spending through, known by its `source`, and return its proof; the same source again passes again.

    Call it in the transaction of the spending: what fails leaves the proof as it was. Raises ProofRefused.
    """
    refuse_held(customer=customer, now=now)
    own = SpendingProof.objects.filter(pk=proof_id, customer=customer, by=by)
    free = own.filter(used_for="", expires_at__gt=now)
    taken = free.update(used_for=source, used_at=now)
    proof = own.first()
    if proof is None:
        raise ProofRefused(Reason.PROOF_MISSING)
    if taken or proof.used_for == source:
        return proof
    raise ProofRefused(Reason.PROOF_USED if proof.used_for else Reason.PROOF_OLD)


def refuse_held(*, customer: Customer, now: dt.datetime) -> None:
    """Raise ProofRefused while spending waits after a change of the e-mail address; reads the row anew."""
    row = Customer.objects.enrolled().filter(pk=customer.pk).values_list("spending_held_until").first()
    if row is None:
        raise ProofRefused(Reason.OTHER_CUSTOMER)
    if row[0] is not None and row[0] > now:
        raise ProofRefused(Reason.HELD, until=row[0])


def is_held(*, customer: Customer, now: dt.datetime) -> bool:
    """Return whether spending waits after a change of the e-mail address, for what is spent without a till."""
    try:
        refuse_held(customer=customer, now=now)
    except ProofRefused:
        return True
    return False


def _earlier(customer: Customer, by: User | None, request_key: str | None) -> SpendingProof | None:
    if not request_key:
        return None
    earlier = SpendingProof.objects.filter(request_key=request_key).first()
    if earlier is not None and (earlier.customer_id, earlier.by_id) != (customer.pk, by and by.pk):
        raise ProofRefused(Reason.OTHER_CUSTOMER)
    return earlier


def _read_code(customer: Customer, text: str, now: dt.datetime) -> str:
    """Return the digest of a fresh code of this customer that nobody has shown before."""
    code = member_codes.read(text)
    if code is None:
        raise ProofRefused(Reason.STATIC_CODE if _is_static(customer, text) else Reason.CODE_UNKNOWN)
    if code.customer_id != customer.pk:
        raise ProofRefused(Reason.OTHER_CUSTOMER)
    if SpendingProof.objects.filter(code_digest=code.digest).exists():
        raise ProofRefused(Reason.CODE_USED)
    if not code.is_fresh(now):
        raise ProofRefused(Reason.CODE_OLD)
    return code.digest


def _is_static(customer: Customer, text: str) -> bool:
    return (
        text.upper() == customer.member_number.upper()
        or customer.identifiers.filter(Q(normalised=text) | Q(value=text)).exists()
    )

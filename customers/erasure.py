"""The end of a customer's data: what names them goes, the integers of the books stay.

docs/privacy.md says what stays and why. Every way to erase ends in `erase`: the customer's own wish after its days of
grace, staff, the command, the calendar, and the list of the erased after a backup was restored.
"""

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext as _

from customers import announcements, audit, privacy
from customers.models import AuditEvent, Customer, CustomerMerge, Erasure, User
from customers.privacy import Subject
from customers.traces import ImportRunning

GRACE = dt.timedelta(days=7)


class ErasedAlready(Exception):
    """The customer is erased, or merged into another; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(_("This customer was erased already, or merged into another."))


class FilesBusy(Exception):
    """A file is being imported that may hold the customer; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(_("A file is being imported at the moment. Please try again in a few minutes."))


def ask(*, customer: Customer, now: dt.datetime) -> Erasure:
    """Note a customer's own wish, to be done after seven days, and return it; asking again changes nothing."""
    with transaction.atomic():
        wish, is_new = Erasure.objects.get_or_create(
            customer=customer,
            state=Erasure.State.WAITING,
            defaults={"reason": Erasure.Reason.CUSTOMER, "asked_at": now, "due_at": now + GRACE},
        )
        if is_new:
            _note(AuditEvent.Action.ERASURE_ASKED, AuditEvent.Place.PORTAL, customer, now)
    return wish


def waiting(*, customer: Customer) -> Erasure | None:
    """Return the wish that waits, None when there is none."""
    return Erasure.objects.filter(customer=customer, state=Erasure.State.WAITING).first()


def call_off(*, customer: Customer, now: dt.datetime) -> bool:
    """Forget the wish that waits and return whether there was one."""
    with transaction.atomic():
        rows = Erasure.objects.filter(customer=customer, state=Erasure.State.WAITING)
        is_off = bool(rows.update(state=Erasure.State.CANCELLED, finished_at=now))
        if is_off:
            _note(AuditEvent.Action.ERASURE_CANCELLED, AuditEvent.Place.PORTAL, customer, now)
    return is_off


def run_due(*, now: dt.datetime) -> int:
    """Erase who asked for it more than seven days ago, and return how many; a running import lets the rest wait."""
    done = 0
    for wish in Erasure.objects.filter(state=Erasure.State.WAITING, due_at__lte=now).order_by("due_at", "pk"):
        try:
            erase(customer=wish.customer, reason=Erasure.Reason(wish.reason), by=None, now=now)
        except FilesBusy:
            break
        except ErasedAlready:
            call_off(customer=wish.customer, now=now)
            continue
        done += 1
    return done


def erase(
    *,
    customer: Customer,
    reason: Erasure.Reason,
    by: User | None,
    now: dt.datetime,
    place: AuditEvent.Place = AuditEvent.Place.COMMAND,
) -> Erasure:
    """Erase a customer and every record merged into theirs, and return the row of the list of the erased.

    Points, coupons and store credit that are left end by entries in the books. Raises ErasedAlready and FilesBusy.
    """
    with transaction.atomic():
        for close in privacy.closers():
            close(customer=customer, by=by, now=now)
        locked = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
        if locked.erased_at is not None or locked.merged_into_id is not None:
            raise ErasedAlready
        everyone = Customer.objects.of_one_person(locked.pk)
        for duplicate in Customer.objects.filter(pk__in=everyone, erased_at=None).exclude(pk=locked.pk).order_by("pk"):
            _wipe(duplicate, now)
        _wipe(locked, now)
        row = _finished(locked, reason, by, now)
        audit.note(
            action=AuditEvent.Action.ERASED, place=place, customer=locked, now=now, by=by, reason=reason,
            reference=f"erasure:{row.pk}",
        )  # fmt: skip
        announcements.customer_changed(locked, fields=["erased_at"], at=now)
        transaction.on_commit(keep_list)
    return row


def _finished(customer: Customer, reason: Erasure.Reason, by: User | None, now: dt.datetime) -> Erasure:
    row = waiting(customer=customer) or Erasure(customer=customer, reason=reason, asked_at=now, due_at=now)
    row.state, row.finished_at, row.by = Erasure.State.DONE, now, by
    row.save()
    return row


def _wipe(customer: Customer, now: dt.datetime) -> None:
    """Take a person out of every table and file. Guards of the history let a note go only once `erased_at` is set."""
    _give_back_log_in(customer)
    if customer.user is not None and customer.user.is_staff:
        # Staff keep their own log-in: it is the shop's, and not the member's.
        Customer.objects.filter(pk=customer.pk).update(user=None)
        customer.user = None
    subject = subject_of(customer)
    for erase_trace in privacy.erasers():
        try:
            erase_trace(subject)
        except ImportRunning as error:
            raise FilesBusy from error
    Customer.objects.filter(pk=customer.pk).update(erased_at=now, spending_held_until=None, is_personalised=False)
    User.objects.filter(pk=subject.user_id).update(is_active=False)
    for rule in _deepest_first():
        rows = rule.rows(customer_id=customer.pk)
        if rule.is_deleted:
            rows.delete()
        elif rule.erased:
            models.QuerySet(rule.model_class).filter(pk__in=rows.values("pk")).update(**rule.erased)


def _give_back_log_in(customer: Customer) -> None:
    """Let a log-in that a merge has closed belong to its record again, so that the rules reach it."""
    if customer.user_id is not None:
        return
    for merge in CustomerMerge.objects.filter(duplicate=customer, undone_at=None):
        user = User.objects.filter(pk=merge.moved["person"]["user"], customer=None).first()
        if user is not None:
            Customer.objects.filter(pk=customer.pk).update(user=user)
            customer.user = user


def _deepest_first() -> list[privacy.Rule]:
    """Return the rules of customers, those that lead over other rows first, since these rows may be deleted."""
    return sorted((rule for rule in privacy.rules() if rule.link), key=lambda rule: -rule.link.count("__"))


def subject_of(customer: Customer) -> Subject:
    """Return what finds a customer where no key leads to them."""
    values = customer.identifiers.values_list("value", "normalised")
    words = {customer.member_number, *(word for pair in values for word in pair)}
    return Subject(
        customer_id=customer.pk, user_id=customer.user_id, name=customer.name, words=tuple(sorted(filter(None, words)))
    )


def _note(action: AuditEvent.Action, place: AuditEvent.Place, customer: Customer, now: dt.datetime) -> None:
    audit.note(action=action, place=place, customer=customer, by=customer.user, now=now)


# The list of the erased: it lies beside the database, since a backup that is restored brings everybody back.


def list_path() -> Path:
    """Return where the list lies; keep a copy apart from the backups."""
    return Path(settings.VAR_DIR) / "erased.jsonl"


def keep_list() -> int:
    """Add to the list whoever is erased and does not stand there yet, and return how many.

    A line is the key of a customer and the moment the record was made: a key alone may be given again after a restore.
    """
    known = {(line["customer"], line["recorded_at"]) for line in read_list()}
    erased = Customer.objects.filter(erased_at__isnull=False).order_by("pk").values_list("pk", "recorded_at")
    new = [(pk, at.isoformat()) for pk, at in erased if (pk, at.isoformat()) not in known]
    if new:
        with open(list_path(), "a", encoding="utf-8", opener=_private) as file:
            for pk, at in new:
                file.write(json.dumps({"customer": pk, "recorded_at": at}) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return len(new)


def read_list(path: Path | None = None) -> Iterator[dict[str, object]]:
    """Yield the lines of a list of the erased; none when there is no list."""
    try:
        lines = (path or list_path()).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        if line.strip():
            yield json.loads(line)


def apply_list(*, now: dt.datetime, path: Path | None = None) -> int:
    """Erase again whoever stands on the list and is there once more, and return how many; a second time changes nothing."""
    done = 0
    for line in read_list(path):
        found = Customer.objects.filter(
            pk=line["customer"], recorded_at=dt.datetime.fromisoformat(str(line["recorded_at"])), erased_at=None
        )
        for customer in found:
            if customer.merged_into_id is not None:
                with transaction.atomic():
                    _wipe(customer, now)
                done += 1
                continue
            erase(customer=customer, reason=Erasure.Reason.RESTORED, by=None, now=now)
            done += 1
    return done


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

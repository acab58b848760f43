"""Two records of one person become one, and may be parted again for thirty days.

Each app moves its own part (`part`), in one transaction and in the order of the import arrows: points by transfers in the
books, so that every lot keeps its days; everything else by its key, written down on the merge so that it finds home again.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from customers import announcements, audit, consents, privacy, tastes
from customers.models import AuditEvent, Consent, Customer, CustomerMerge, Erasure, Identifier, User

UNDO_DAYS = 30
PROFILE = ("name", "language", "time_zone", "birthday", "home_store_id")


class CannotMerge(Exception):
    """These two records cannot be merged, or this merge not undone; nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one app does: `move` returns what `undo` needs, `facts` are the figures of a customer that people compare.

    `settle` comes last, when everything of all apps has moved and both customers are locked; what it returns is kept, too.
    """

    move: Callable[[CustomerMerge], Any]
    undo: Callable[[CustomerMerge, Any], None]
    facts: Callable[[Customer], list[tuple[str, str]]]
    settle: Callable[[CustomerMerge], dict[str, Any]] | None = None


_parts: dict[str, Part] = {}


def part(name: str, it: Part) -> None:
    """Say how an app takes part in merges; those that hold the locks of points come first."""
    _parts[name] = it


def merge(*, kept: Customer, duplicate: Customer, by: User | None, now: dt.datetime) -> CustomerMerge:
    """Move everything of the duplicate to the record that is kept, and return the merge. Raises CannotMerge."""
    if kept.pk == duplicate.pk:
        raise CannotMerge(_("A record cannot be merged into itself."))
    fresh = Customer.objects.select_related("user").in_bulk([kept.pk, duplicate.pk])
    kept, duplicate = fresh[kept.pk], fresh[duplicate.pk]
    _refuse(kept, duplicate, by)
    with transaction.atomic():
        row = CustomerMerge.objects.create(
            kept=kept, duplicate=duplicate, merged_at=now, undo_until=now + dt.timedelta(days=UNDO_DAYS), by=by
        )
        moved = {name: it.move(row) for name, it in _parts.items()}
        locked = list(
            Customer.objects.select_for_update(no_key=True).filter(pk__in=[kept.pk, duplicate.pk]).order_by("pk")
        )
        if len(locked) != 2 or any(one.erased_at or one.merged_into_id for one in locked):
            raise CannotMerge(_("One of the two was erased or merged in the meantime."))
        moved["rows"] = _move_rows(row)
        moved["person"] = _move_person(*sorted(locked, key=lambda one: one.pk == duplicate.pk), row=row)
        for name, it in _parts.items():
            if it.settle is not None:
                moved[name] |= it.settle(row)
        row.moved = moved
        row.save(update_fields=["moved"])
        _tell(row, AuditEvent.Action.MERGED, by, now)
    return row


def undo(*, merge: CustomerMerge, by: User | None, now: dt.datetime) -> CustomerMerge:
    """Part two records again, as far as what moved is still there, and return the merge. Raises CannotMerge."""
    with transaction.atomic():
        row = CustomerMerge.objects.select_for_update(of=("self",)).select_related("kept", "duplicate").get(pk=merge.pk)
        if row.undone_at is not None:
            raise CannotMerge(_("This merge was undone already."))
        if now > row.undo_until:
            raise CannotMerge(_("A merge can be undone for 30 days."))
        if row.kept.erased_at or row.kept.merged_into_id or row.duplicate.erased_at:
            raise CannotMerge(_("The record was erased or merged since; this merge stays."))
        row.undone_at, row.undone_by = now, by
        row.save(update_fields=["undone_at", "undone_by"])
        _return_rows(row)
        for name, it in _parts.items():
            it.undo(row, row.moved.get(name))
        _return_person(row, row.moved["person"], by, now)
        _tell(row, AuditEvent.Action.UNMERGED, by, now)
    return row


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: of the two records before, and of the kept one afterwards."""

    label: str
    duplicate: str
    kept: str
    after: str


class _Enough(Exception):
    """The rehearsal is over."""


def preview(*, kept: Customer, duplicate: Customer, by: User | None, now: dt.datetime) -> list[Line]:
    """Return what a merge would change: it is done and taken back at once, so what is shown is what happens.

    Raises CannotMerge.
    """
    lines: list[Line] = []
    try:
        with transaction.atomic():
            before = [facts(duplicate), facts(kept)]
            merge(kept=kept, duplicate=duplicate, by=by, now=now)
            for (label, theirs), (_l, ours), (_m, after) in zip(
                *before, facts(Customer.objects.get(pk=kept.pk)), strict=True
            ):
                lines.append(Line(label, theirs, ours, after))
            raise _Enough
    except _Enough:
        return lines


def facts(customer: Customer) -> list[tuple[str, str]]:
    """Return the figures of a customer that people compare."""
    values = customer.identifiers.order_by("kind", "pk").values_list("value", flat=True)
    own = [
        (_("Name"), customer.name or "–"),
        (_("Birthday"), str(customer.birthday or "–")),
        (_("Numbers and addresses"), ", ".join([customer.member_number, *values])),
        (_("Purchases"), str(customer.purchases.count())),
        (_("Agreed to"), ", ".join(_granted(customer)) or "–"),
    ]
    return own + [line for it in _parts.values() for line in it.facts(customer)]


def _granted(customer: Customer) -> list[str]:
    return [
        f"{word.get_purpose_display()} ({word.get_channel_display()})"
        for word in consents.latest(customer=customer).values()
        if word.is_granted
    ]


def _refuse(kept: Customer, duplicate: Customer, by: User | None) -> None:
    if any(one.erased_at or one.merged_into_id for one in (kept, duplicate)):
        raise CannotMerge(_("One of the two was erased or merged already."))
    if Erasure.objects.filter(customer__in=[kept, duplicate], state=Erasure.State.WAITING).exists():
        raise CannotMerge(_("One of the two asked to be erased; merge them when that is done or called off."))
    if by is not None and by.pk in (kept.user_id, duplicate.user_id):
        raise CannotMerge(_("Nobody merges their own card; please ask a colleague."))
    if duplicate.user is not None and duplicate.user.is_staff:
        raise CannotMerge(_("The duplicate is the card of a member of staff; keep that record instead."))


def _tell(row: CustomerMerge, action: AuditEvent.Action, by: User | None, now: dt.datetime) -> None:
    for customer in (row.kept, row.duplicate):
        audit.note(action=action, place=AuditEvent.Place.ADMIN, customer=customer, by=by, now=now, reference=row.source)
        announcements.customer_changed(customer, fields=["merged_into"], at=now)


# Rows that follow by their key


def followers() -> list[type[models.Model]]:
    """Return the models whose rows simply follow their customer: none is unique to one, and none is guarded."""
    return [
        rule.model_class
        for rule in privacy.rules()
        if rule.link == "customer" and not rule.stays and not _is_unique_to_customer(rule.model_class)
    ]


def _is_unique_to_customer(model: type[models.Model]) -> bool:
    unique = [set(each.fields) for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
    return (
        model._meta.get_field("customer").unique
        or any("customer" in fields for fields in unique)
        or any("customer" in fields for fields in model._meta.unique_together)
    )


def _move_rows(row: CustomerMerge) -> dict[str, list[Any]]:
    moved = {}
    for model in followers():
        rows = models.QuerySet(model).filter(customer=row.duplicate_id)
        keys = [str(key) for key in rows.values_list("pk", flat=True)]
        if keys:
            rows.update(customer=row.kept_id)
            moved[model._meta.label] = keys
    return moved


def _return_rows(row: CustomerMerge) -> None:
    for label, keys in row.moved["rows"].items():
        model = next(model for model in followers() if model._meta.label == label)
        for start in range(0, len(keys), 500):
            rows = models.QuerySet(model).filter(pk__in=keys[start : start + 500], customer=row.kept_id)
            rows.update(customer=row.duplicate_id)


# The person: what finds them, what they said, their log-in


def _move_person(kept: Customer, duplicate: Customer, *, row: CustomerMerge) -> dict[str, Any]:
    identifiers = list(duplicate.identifiers.values_list("pk", flat=True))
    duplicate.identifiers.update(customer=kept)
    # The old card goes on working: its number is one more card of the record that is kept.
    card, is_new = Identifier.objects.get_or_create(
        kind=Identifier.Kind.CARD,
        normalised=duplicate.member_number,
        defaults={"customer": kept, "value": duplicate.member_number, "recorded_at": row.merged_at},
    )
    filled = [name for name in PROFILE if not getattr(kept, name) and getattr(duplicate, name)]
    for name in filled:
        setattr(kept, name, getattr(duplicate, name))
    held = {"kept": kept.spending_held_until, "personalised": kept.is_personalised}
    later = [one.spending_held_until for one in (kept, duplicate) if one.spending_held_until]
    kept.spending_held_until = max(later, default=None)
    kept.is_personalised = kept.is_personalised and duplicate.is_personalised
    user = duplicate.user_id
    duplicate.user, duplicate.merged_into = None, kept
    duplicate.save(update_fields=["user", "merged_into"])
    if kept.user_id is None:
        kept.user_id = user
    elif user is not None:
        _close_log_in(user)
    kept.save()
    return {
        "identifiers": identifiers, "card": card.pk if is_new else None, "filled": filled, "user": user,
        "held": held["kept"] and held["kept"].isoformat(), "personalised": held["personalised"],
        "consents": _stricter(kept, duplicate, row), "tastes": tastes.move(kept=kept, duplicate=duplicate),
    }  # fmt: skip


def _close_log_in(user_id: int) -> None:
    """The addresses of the second log-in open the first one from now on."""
    user = User.objects.get(pk=user_id)
    user.emailaddress_set.all().delete()
    User.objects.filter(pk=user_id).update(is_active=False)


def _stricter(kept: Customer, duplicate: Customer, row: CustomerMerge) -> list[int]:
    """Let a no of either record win, and a yes stand where the other never said anything; return the new rows."""
    ours, theirs = consents.latest(customer=kept), consents.latest(customer=duplicate)
    new = []
    for key, word in theirs.items():
        own = ours.get(key)
        if own is None or (own.is_granted and not word.is_granted):
            new.append(_say(kept, word, row, is_granted=word.is_granted).pk)
    return new


def _say(customer: Customer, word: Consent, row: CustomerMerge, *, is_granted: bool) -> Consent:
    return Consent.objects.create(
        customer=customer, channel=word.channel, purpose=word.purpose, is_granted=is_granted, wording=word.wording,
        source=row.source, by=row.by, occurred_at=row.undone_at or row.merged_at,
    )  # fmt: skip


def _return_person(row: CustomerMerge, moved: dict[str, Any], by: User | None, now: dt.datetime) -> None:
    kept, duplicate = row.kept, row.duplicate
    Identifier.objects.filter(pk__in=moved["identifiers"], customer=kept).update(customer=duplicate)
    Identifier.objects.filter(pk=moved["card"], customer=kept).delete()
    for name in moved["filled"]:
        if getattr(kept, name) == getattr(duplicate, name):
            setattr(kept, name, Customer._meta.get_field(name.removesuffix("_id")).get_default() or None)
            if isinstance(getattr(duplicate, name), str):
                setattr(kept, name, "")
    kept.is_personalised = moved["personalised"]
    user = moved["user"]
    if user is not None and kept.user_id == user:
        kept.user = None
    kept.save()
    tastes.take_back(kept=kept, moved=moved.get("tastes", {}))
    if user is not None:
        User.objects.filter(pk=user).update(is_active=True)
    duplicate.merged_into, duplicate.user_id = None, user
    duplicate.save()
    for word in Consent.objects.filter(pk__in=moved["consents"]):
        _unsay(kept, word, row)


def _unsay(kept: Customer, word: Consent, row: CustomerMerge) -> None:
    """Go back to what the kept record had said before the merge, unless it has spoken since."""
    said = kept.consents.filter(channel=word.channel, purpose=word.purpose).order_by("-pk")
    if said.first() != word:
        return
    before = said.filter(pk__lt=word.pk).first()
    if (before is not None and before.is_granted) != word.is_granted:
        _say(kept, before or word, row, is_granted=before is not None and before.is_granted)

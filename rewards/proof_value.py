"""The stored value's part of the proof: every movement is replayed, and nothing is on a card that did not come onto it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from customers.models import Purchase
from rewards import value_postings
from rewards.models import ValueAccount, ValueMovement

GROUP = 5_000  # accounts
KEPT = 100


@dataclass(slots=True)
class ValueProof:
    """What was found: money per kind of movement, the heads of the chains, and a sentence for each row that does not fit."""

    totals: Counter[str] = field(default_factory=Counter)
    heads: list[tuple[int, str]] = field(default_factory=list)
    movements: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Replay:
    paid: int = 0
    promotional: int = 0
    sequence: int = 0
    mac: str = ""


def prove_value() -> Iterator[ValueProof]:
    """Replay the stored value, some accounts at a time, and give what was found of each group; writes nothing.

    A group that looks wrong is read again under its locks before it is called a fault.
    """
    after = 0
    while keys := list(ValueAccount.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:GROUP]):
        first, after = keys[0], keys[-1]
        found = _examine(first, after)
        if found.faults:
            with transaction.atomic():
                list(ValueAccount.objects.select_for_update().filter(pk__range=(first, after)).order_by("pk"))
                found = _examine(first, after)
        yield found
    if faults := [*_more_given_back(), *_purchases()]:
        yield ValueProof(faults=faults)


def _examine(first: int, last: int) -> ValueProof:
    found, replays = ValueProof(), {}
    rows = ValueMovement.objects.filter(account__gte=first, account__lte=last).order_by("account_id", "sequence")
    for pk, key_number, mac, *values in rows.values_list("pk", "key_number", "mac", *value_postings.SEALED).iterator(
        chunk_size=2_000
    ):
        account_id, sequence, kind, paid, promotional, paid_after, __, __, __, promotional_after, *__ = values
        replay = replays.setdefault(account_id, _Replay())
        found.movements += 1
        found.totals[kind] += paid + promotional
        replay.sequence += 1
        if sequence != replay.sequence:
            found.faults.append(
                _("gift card or credit %(account)d: movement %(number)d is missing")
                % {"account": account_id, "number": replay.sequence}
            )
            replay.sequence = sequence
        replay.paid, replay.promotional = replay.paid + paid, replay.promotional + promotional
        if (replay.paid, replay.promotional) != (paid_after, promotional_after):
            found.faults.append(_("movement of value %(row)d: the sums after it do not follow") % {"row": pk})
        if not _is_sealed(replay.mac, tuple(values), key_number, mac):
            found.faults.append(_("movement of value %(row)d: the seal is broken") % {"row": pk})
        replay.mac = mac
    _compare(first, last, replays, found)
    return found


def _is_sealed(previous: str, values: tuple, key_number: int, mac: str) -> bool:
    try:
        return value_postings.seal(previous, values, key_number) == mac
    except KeyError:
        return False


def _compare(first: int, last: int, replays: dict[int, _Replay], found: ValueProof) -> None:
    accounts = ValueAccount.objects.filter(pk__range=(first, last)).order_by("pk")
    for pk, paid, promotional, sequence, mac in accounts.values_list("pk", "paid", "promotional", "sequence", "mac"):
        replay = replays.get(pk, _Replay())
        found.heads.append((pk, replay.mac))
        if (replay.paid, replay.promotional, replay.sequence, replay.mac) != (paid, promotional, sequence, mac):
            found.faults.append(_("gift card or credit %(account)d: what is on it does not follow") % {"account": pk})


def _more_given_back() -> list[str]:
    """Name the payments of which more came back than was paid, and the sales undone more than once; one statement."""
    back = (
        ValueMovement.objects.filter(reverses=OuterRef("pk")).order_by().values("reverses").annotate(
            paid_back=Sum("paid"), given_back=Sum("promotional")
        )
    )  # fmt: skip
    rows = ValueMovement.objects.filter(reversals__isnull=False).annotate(
        left=F("paid") + F("promotional") + Coalesce(Subquery(back.values("paid_back")), 0)
        + Coalesce(Subquery(back.values("given_back")), 0)
    )  # fmt: skip
    wrong = (rows.filter(kind="spent", left__gt=0) | rows.exclude(kind="spent").filter(left__lt=0)).order_by("pk")
    return [
        _("movement of value %(row)d: more came back than it moved") % {"row": pk}
        for pk in wrong.values_list("pk", flat=True).distinct()[:KEPT]
    ]


def _purchases() -> list[str]:
    """Name the purchases whose part paid by cards is not what the cards paid; one statement each way."""
    spent = ValueMovement.objects.filter(purchase=OuterRef("pk"), kind="spent").order_by().values("purchase")
    rows = Purchase.objects.filter(paid_by_value__gt=0) | Purchase.objects.filter(
        pk__in=ValueMovement.objects.filter(kind="spent", purchase__isnull=False).values("purchase")
    )
    total = Coalesce(Subquery(spent.annotate(total=Sum("paid") + Sum("promotional")).values("total")), 0)
    wrong = rows.annotate(by_cards=total).exclude(by_cards=-F("paid_by_value")).order_by("pk")
    return [
        _("purchase %(purchase)d: %(stored)d paid by cards, their movements say %(moved)d")
        % {"purchase": pk, "stored": stored, "moved": -moved}
        for pk, stored, moved in wrong.values_list("pk", "paid_by_value", "by_cards")[:KEPT]
    ]

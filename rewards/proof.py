"""Proof of the books: replay every transaction and compare with everything that was stored.

Customers are examined in small groups, so memory stays flat and no till waits. A group is read without locks; what then
looks wrong is read again under the customer's lock before it is called a fault.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain as chain_rows

from django.db import transaction
from django.utils.translation import gettext as _

from rewards import chain
from rewards.models import BookProof, LotAllocation, PointBalance, PointLot, PointTransaction, StampBalance
from rewards.models.points import CUSTOMER_ACCOUNTS, POINTS
from rewards.proof_coupons import coupon_faults
from rewards.proof_rewards import reward_faults
from rewards.proof_stamps import stamp_faults
from rewards.proof_value import prove_value

GROUP = 20_000
KEPT_FAULTS = 100

type Progress = Callable[[int], None]
type Span = tuple[int, int]
type Owner = tuple[int, int]
"""A customer and a currency: what has a chain of its own."""


@dataclass(slots=True)
class Proof:
    """What was found: points per account, how much was examined, and a sentence for each row that does not fit.

    `trial_balance` is that of points, `stamps` that of each stamp card, by its number and account; `value` is the money of
    gift cards and store credit per kind of movement; together it is what the shop owes.
    """

    trial_balance: Counter[str] = field(default_factory=Counter)
    stamps: Counter[tuple[int, str]] = field(default_factory=Counter)
    value: Counter[str] = field(default_factory=Counter)
    customers: int = 0
    transactions: int = 0
    value_movements: int = 0
    digest: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def is_balanced(self) -> bool:
        """Whether every row fits."""
        return not self.faults


def prove(*, progress: Progress | None = None) -> Proof:
    """Replay the books and return what was found; writes nothing.

    `progress` is called with the number of transactions of each group that was examined.
    """
    proof, heads = Proof(), hashlib.sha256()
    for span in _groups():
        group = _examine(span)
        if group.faults:
            with transaction.atomic():
                list(PointBalance.objects.select_for_update().filter(**_within(span)).order_by("customer_id"))
                list(StampBalance.objects.select_for_update().filter(**_within(span)).order_by("card", "customer"))
                group = _examine(span)
        for (currency, account), points in group.totals.items():
            if currency == POINTS:
                proof.trial_balance[account] += points
            else:
                proof.stamps[currency, account] += points
        proof.faults += group.faults
        proof.customers += sum(currency == POINTS for (__, currency), __ in group.heads)
        proof.transactions += group.transactions
        for (customer_id, currency), head in group.heads:
            heads.update(
                (f"{customer_id}:{head};" if currency == POINTS else f"{customer_id}:{currency}:{head};").encode()
            )
        if progress:
            progress(group.transactions)
    proof.faults += coupon_faults()
    proof.faults += reward_faults()
    proof.faults += stamp_faults()
    for some in prove_value():
        proof.value.update(some.totals)
        proof.value_movements += some.movements
        proof.faults += some.faults
        for account_id, head in some.heads:
            heads.update(f"value:{account_id}:{head};".encode())
    proof.digest = heads.hexdigest()
    return proof


def record(*, proof: Proof) -> BookProof:
    """Store what a proof found and return the row."""
    return BookProof.objects.create(
        is_balanced=proof.is_balanced, customers=proof.customers, transactions=proof.transactions, digest=proof.digest,
        trial_balance=dict(proof.trial_balance), faults=proof.faults[:KEPT_FAULTS],
    )  # fmt: skip


def _groups() -> Iterator[Span]:
    """Cut the customers into spans of keys with about GROUP transactions each; together they cover every key."""
    start, weight, end = 0, 0, 2**62
    balances = PointBalance.objects.order_by("customer_id").values_list("customer_id", "sequence")
    for customer_id, sequence in balances.iterator(chunk_size=5_000):
        weight += sequence + 1
        if weight >= GROUP:
            yield start, customer_id
            start, weight = customer_id + 1, 0
    yield start, end


def _within(span: Span, path: str = "customer") -> dict[str, int]:
    return {f"{path}__gte": span[0], f"{path}__lte": span[1]}


@dataclass(slots=True)
class _Group:
    totals: Counter[tuple[int, str]] = field(default_factory=Counter)
    heads: list[tuple[Owner, str]] = field(default_factory=list)
    transactions: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Replay:
    """One customer's accounts in one currency as their transactions say."""

    pending: int = 0
    active: int = 0
    held: int = 0
    debt: int = 0
    lifetime: int = 0
    sequence: int = 0
    mac: str = ""
    lots_active: int = 0
    lots_pending: int = 0


def _examine(span: Span) -> _Group:
    group = _Group()
    replays: defaultdict[Owner, _Replay] = defaultdict(_Replay)
    moved, lots = _lot_movements(span, group)
    for lot in lots.values():
        replay = replays[lot[0], lot[4]]
        if lot[3] is None:
            replay.lots_pending += lot[2]
        else:
            replay.lots_active += lot[2]
    _replay_transactions(span, replays, moved, group)
    _compare_balances(span, replays, group)
    return group


def _lot_movements(span: Span, group: _Group) -> tuple[dict[int, int], dict[int, tuple]]:
    """Return what each transaction did to lots, and the lots; note lots whose remainder does not follow."""
    lots = {
        row[0]: row[1:]
        for row in PointLot.all_currencies.filter(**_within(span, "transaction__customer")).values_list(
            "pk",
            "customer_id",
            "points",
            "remaining",
            "activated_at",
            "transaction_id",
            "currency",
            "transaction__customer_id",
            "transaction__currency",
        )
    }
    moved: defaultdict[int, int] = defaultdict(int)
    left: dict[int, int] = {}
    for pk, (customer_id, points, __, __, transaction_id, *owner) in lots.items():
        moved[transaction_id] += points
        left[pk] = points
        currency, *opener = owner
        if [customer_id, currency] != opener:
            group.faults.append(_("lot %(lot)d belongs to another customer than its transaction") % {"lot": pk})
    allocations = LotAllocation.objects.filter(**_within(span, "transaction__customer"))
    for transaction_id, lot_id, points in allocations.values_list("transaction_id", "lot_id", "points"):
        moved[transaction_id] += points
        if lot_id in left:
            left[lot_id] += points
        else:
            group.faults.append(_("transaction %(row)d draws on a lot of somebody else") % {"row": transaction_id})
    for pk, (__, __, remaining, *__) in lots.items():
        if left[pk] != remaining:
            group.faults.append(
                _("lot %(lot)d holds %(remaining)d points, its allocations leave %(left)d")
                % {"lot": pk, "remaining": remaining, "left": left[pk]}
            )
    return moved, {pk: (row[0], row[1], row[2], row[3], row[5]) for pk, row in lots.items()}


def _replay_transactions(span: Span, replays: dict[Owner, _Replay], moved: dict[int, int], group: _Group) -> None:
    issued: defaultdict[tuple[str, str], int] = defaultdict(int)
    reversed_points: defaultdict[int, int] = defaultdict(int)
    causes: dict[int, tuple[str, str]] = {}
    rows = PointTransaction.all_currencies.filter(**_within(span)).order_by("customer_id", "currency", "sequence")
    totals: Counter[tuple[int, str, str]] = Counter()
    columns = ("pk", "key_number", "mac", "currency", *chain.SEALED)
    for pk, key_number, mac, currency, *values in rows.values_list(*columns).iterator(chunk_size=2_000):
        customer_id, sequence, kind, origin, target, points, source, __, __, reverses_id, __, __, *after = values
        replay = replays[customer_id, currency]
        group.transactions += 1
        totals[currency, origin, target] += points
        replay.sequence += 1
        if sequence != replay.sequence:
            group.faults.append(
                _("customer %(customer)d: transaction %(number)d is missing")
                % {"customer": customer_id, "number": replay.sequence}
            )
            replay.sequence = sequence
        replay.mac = _check_seal(pk, replay.mac, (tuple(values), key_number, currency), mac, group)
        _move(replay, kind, origin, target, points)
        if [replay.pending, replay.active, replay.held, replay.debt] != after:
            group.faults.append(_("transaction %(row)d: the balances after it do not follow") % {"row": pk})
        expected = (points if target in _IN_LOTS else 0) - (points if origin in _IN_LOTS else 0)
        if moved.pop(pk, 0) != expected:
            group.faults.append(_("transaction %(row)d: its lots do not add up to its points") % {"row": pk})
        issued[source, kind] += points
        causes[pk] = (source, kind)
        if reverses_id is not None:
            reversed_points[reverses_id] += points
    for pk, points in reversed_points.items():
        if points > issued[causes.get(pk, ("", ""))]:
            group.faults.append(_("transaction %(row)d: more was taken back than it moved") % {"row": pk})
    for (currency, origin, target), points in totals.items():
        group.totals[currency, target] += points
        group.totals[currency, origin] -= points


_IN_LOTS = frozenset({"active", "pending"})
_OWN = frozenset(account.value for account in CUSTOMER_ACCOUNTS)


def _check_seal(pk: int, previous: str, sealed: tuple[tuple, int, int], mac: str, group: _Group) -> str:
    try:
        expected = chain.seal(previous, *sealed)
    except KeyError:
        group.faults.append(_("transaction %(row)d: its key %(key)d is not configured") % {"row": pk, "key": sealed[1]})
        return mac
    if expected != mac:
        group.faults.append(_("transaction %(row)d: the seal is broken") % {"row": pk})
    return mac


def _move(replay: _Replay, kind: str, origin: str, target: str, points: int) -> None:
    if origin in _OWN:
        setattr(replay, origin, getattr(replay, origin) - points)
    if target in _OWN:
        setattr(replay, target, getattr(replay, target) + points)
    if kind == "earn":
        replay.lifetime += points


def _compare_balances(span: Span, replays: dict[Owner, _Replay], group: _Group) -> None:
    names = ("pending", "active", "held", "debt", "lifetime", "sequence", "mac")
    points = PointBalance.objects.filter(**_within(span)).order_by("customer_id")
    stamps = StampBalance.objects.filter(**_within(span)).order_by("customer_id", "card_id")
    rows = chain_rows(
        ((customer_id, POINTS, *stored) for customer_id, *stored in points.values_list("customer_id", *names)),
        stamps.values_list("customer_id", "card_id", *names),
    )
    for customer_id, currency, *stored in rows:
        replay = replays.pop((customer_id, currency), _Replay())
        group.heads.append(((customer_id, currency), replay.mac))
        wrong = [name for name, value in zip(names, stored, strict=True) if getattr(replay, name) != value]
        if wrong:
            group.faults.append(
                _("customer %(customer)d: the balance does not follow (%(names)s)")
                % {"customer": customer_id, "names": ", ".join(wrong)}
            )
        if (replay.lots_active, replay.lots_pending) != (replay.active, replay.pending):
            group.faults.append(
                _("customer %(customer)d: the lots do not add up to the balance") % {"customer": customer_id}
            )
    for customer_id, __ in replays:
        group.faults.append(
            _("customer %(customer)d: there are transactions without a balance") % {"customer": customer_id}
        )

"""The night's work: learn from all purchases, look how good that is, and make the lists of those for whom something changed.

Restartable: what was learnt and each group of lists is a transaction of its own that moves the run's cursor; a run that was
killed goes on behind it once its lease is over. A second run on the same day finds nothing to do.
"""

import datetime as dt
import uuid
from collections.abc import Callable

import numpy as np
from django.db import transaction
from django.db.models import F, Q

from customers.models import Customer, Product, RecommendationList, RecommendationModel
from customers.recommendations import archive, quality, ranking
from customers.recommendations.history import History, read
from customers.recommendations.knowledge import Signals, learn
from customers.recommendations.ranking import Item, Method
from customers.timezones import programme_date

LEASE = dt.timedelta(minutes=15)
MEASURE_EVERY = dt.timedelta(days=7)
CUSTOMERS_AT_ONCE = 1_000

type Clock = Callable[[], dt.datetime]


class Overtaken(Exception):
    """Raised when another worker has taken over the run."""


def run_due(*, clock: Clock) -> int:
    """Do today's run, or what is left of it, and return how many lists were made; nothing when it is done or somebody is at it."""
    model = _claim(clock())
    return 0 if model is None else _work(model, clock)


def _claim(now: dt.datetime) -> RecommendationModel | None:
    """Take today's run; None when it is finished or leased to another."""
    today = programme_date(now)
    RecommendationModel.objects.get_or_create(day_date=today, defaults={"started_at": now})
    claim = uuid.uuid4()
    free = RecommendationModel.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), day_date=today)
    taken = free.filter(finished_at=None).update(claim=claim, lease_until=now + LEASE)
    return RecommendationModel.objects.get(claim=claim) if taken else None


def _work(model: RecommendationModel, clock: Clock) -> int:
    until = model.learnt_at or clock()
    history = read(until=until)
    signals = archive.load(model) if model.learnt_at else _learn(model, history, clock)
    hidden = np.array(_hidden(), np.int64)
    made = 0
    places = np.flatnonzero(history.customers > model.cursor)
    for start in range(0, len(places), CUSTOMERS_AT_ONCE):
        made += _make(model, history.of(places[start : start + CUSTOMERS_AT_ONCE]), signals, hidden, clock())
    _finish(model, clock())
    return made


def _learn(model: RecommendationModel, history: History, clock: Clock) -> Signals:
    _measure(model, history)
    signals = learn(history)
    with transaction.atomic():
        archive.keep(model, signals)
        model.learnt_at, model.customers = history.until, len(history.customers)
        model.save(
            update_fields=[
                "products", "promise", "popularity", "targets", "learnt_at", "customers", "method", "figures", "measured_at",
            ]
        )  # fmt: skip
        _extend(model, clock())
    return signals


def _measure(model: RecommendationModel, history: History) -> None:
    """Compare the ways on the last four weeks, once a week; in between the last figures stand. The best is used."""
    last = RecommendationModel.objects.filter(measured_at__isnull=False).order_by("-day_date")
    earlier = last.values("measured_at", "figures", "method").first()
    if earlier and history.until - earlier["measured_at"] < MEASURE_EVERY:
        model.measured_at, model.figures, model.method = earlier["measured_at"], earlier["figures"], earlier["method"]
        return
    trial = quality.trial(history, cut=history.until - quality.HELD_OUT)
    model.measured_at, model.figures, model.method = history.until, {}, Method.MODEL
    if len(trial.bought) < quality.FEWEST_CUSTOMERS:
        return
    figures = quality.compare(trial, category_of=_categories(), preferred=_preferred(list(trial.bought)))
    model.figures = {name: each.as_words() for name, each in figures.items()}
    usable = [Method.MODEL, Method.FREQUENCY, Method.POPULARITY]  # the first wins a tie
    model.method = max(usable, key=lambda name: figures[name].overall)


def _make(model: RecommendationModel, history: History, signals: Signals, hidden: np.ndarray, now: dt.datetime) -> int:
    """Make the lists of some customers for whom something changed since their last one, and move the cursor.

    In the night on which the ways were compared, everybody's: another way may be used now.
    """
    keys = history.customers.tolist()
    old = RecommendationList.objects.filter(customer__in=keys, made_at__gte=model.measured_at)
    known = {} if model.measured_at == model.learnt_at else dict(old.values_list("customer_id", "newest_purchase"))
    stale = np.array([n for n, key in enumerate(keys) if known.get(key, -1) < history.newest[n]], np.int64)
    some = history.of(stale)
    lists = [
        RecommendationList(
            customer_id=customer,
            items=[packed(item) for item in items],
            newest_purchase=int(newest),
            made_at=model.learnt_at,
        )
        for (customer, items), newest in zip(
            ranking.ranked(some, signals, method=Method(model.method), hidden=hidden), some.newest, strict=True
        )
    ]
    with transaction.atomic():
        model.cursor, model.lists = keys[-1], model.lists + len(lists)
        _extend(model, now, cursor=model.cursor, lists=model.lists)
        RecommendationList.objects.bulk_create(
            lists, batch_size=500, update_conflicts=True, unique_fields=["customer"],
            update_fields=["items", "newest_purchase", "made_at"],
        )  # fmt: skip
    return len(lists)


def _extend(model: RecommendationModel, now: dt.datetime, **changes: object) -> None:
    """Move the run on. Raises Overtaken when it is no longer ours."""
    mine = RecommendationModel.objects.filter(pk=model.pk, claim=model.claim)
    if not mine.update(lease_until=now + LEASE, **changes):
        raise Overtaken


@transaction.atomic
def _finish(model: RecommendationModel, now: dt.datetime) -> None:
    """Forget earlier links, and the lists of those who want none; the figures of earlier nights stay."""
    _extend(model, now, finished_at=now)
    RecommendationModel.objects.filter(pk=model.pk).update(claim=None, lease_until=None)
    for earlier in RecommendationModel.objects.filter(day_date__lt=model.day_date).exclude(products=b"").only("pk"):
        earlier.productlinks_set.all().delete()
        RecommendationModel.objects.filter(pk=earlier.pk).update(
            products=b"", promise=b"", popularity=b"", targets=b"", learnt_at=F("learnt_at")
        )
    gone = Customer.objects.filter(Q(is_personalised=False) | ~Q(erased_at=None) | ~Q(merged_into=None))
    RecommendationList.objects.filter(customer__in=gone).delete()


def _hidden() -> list[int]:
    """Return the products that nobody can be shown, whatever is in stock tomorrow."""
    never = Q(is_retired=True) | Q(category__is_sensitive=True) | Q(earns_points=False)
    return list(Product.objects.filter(never).values_list("pk", flat=True))


def _categories() -> Callable[[int], int]:
    of_product = dict(Product.objects.values_list("pk", "category_id"))
    return lambda product: of_product.get(product) or 0


def _preferred(customer_ids: list[int]) -> dict[int, set[int]]:
    wishes: dict[int, set[int]] = {}
    links = Customer.preferred_categories.through.objects
    for customer, category in links.filter(customer_id__in=customer_ids).values_list("customer_id", "category_id"):
        wishes.setdefault(customer, set()).add(category)
    return wishes


def packed(item: Item) -> list[object]:
    """Return an item as it is kept."""
    return [item.product, item.kind[0], item.because, item.times, item.gap, item.age]

"""What pages, tills, mails and the API show a customer: available products, best first, each with its reason in words.

The list was made by night; when the customer has bought since, or has none, it is made at once. What is out of stock,
retired or sensitive by now is left out, and what the customer says to like or not to like moves a little.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from customers.models import Customer, Product, Purchase, RecommendationList, RecommendationModel
from customers.models.customer import CustomerQuerySet
from customers.recommendations import archive, ranking, reasons
from customers.recommendations.history import read_of
from customers.recommendations.ranking import Item, Kind, Method

KINDS = {kind[0]: kind for kind in Kind}
LIKED, DISLIKED = 0.7, 2.0  # what a place in the list is multiplied by
SINK = 3  # places


@dataclass(frozen=True, slots=True)
class Choice:
    """One recommended product."""

    product: Product
    kind: Kind
    reason: str


def choices_for(*, customer: Customer, now: dt.datetime) -> list[Choice]:
    """Return what to recommend to a customer, best first and repeats before discoveries, in the active language.

    A customer who switched personalisation off gets what most customers buy. Empty before the first night's work.
    """
    items, at = items_for(customer=customer, now=now)
    if not items:
        return []
    wanted = {item.product for item in items} | {item.because for item in items}
    products = Product.objects.select_related("category").in_bulk(list(wanted))
    likes, dislikes = _tastes(customer)
    shown = [item for item in items if (product := products.get(item.product)) and _may_be_shown(product)]
    kinds = [Kind.REPEAT, Kind.DISCOVERY, Kind.POPULAR]
    shown = [
        item
        for kind in kinds
        for item in _ordered([one for one in shown if one.kind is kind], products, likes, dislikes)
    ]
    passed = (now - at).days
    return [
        Choice(products[item.product], item.kind, reasons.reason(item, products.get(item.because), passed))
        for item in shown
    ]


def both(*, customer: Customer, now: dt.datetime, each: int) -> tuple[list[Choice], list[Choice]]:
    """Return what the customer may buy again and what is new to the customer, some of each."""
    found = choices_for(customer=customer, now=now)
    again = [choice for choice in found if choice.kind is Kind.REPEAT][:each]
    return again, [choice for choice in found if choice.kind is not Kind.REPEAT][:each]


def items_for(*, customer: Customer, now: dt.datetime) -> tuple[list[Item], dt.datetime]:
    """Return the ranked products of a customer, whatever is in stock, and the moment from which ages count."""
    if not hasattr(customer, "model_in_use"):
        customer = with_list(Customer.objects.filter(pk=customer.pk)).get()
    if customer.model_in_use is None:
        return [], now
    if not customer.is_personalised:
        return ranking.popular(archive.load(_whole(customer.model_in_use), product_ids=())), now
    kept: RecommendationList | None = getattr(customer, "recommendation_list", None)
    if kept is not None and kept.newest_purchase >= (customer.newest_purchase or 0):
        return [unpacked(values) for values in kept.items], kept.made_at
    return make(customer=customer, model=_whole(customer.model_in_use), now=now), now


def with_list(customers: CustomerQuerySet) -> CustomerQuerySet:
    """Read customers together with what their recommendations need: the kept list, the newest purchase, the model in use."""
    newest = Purchase.objects.filter(customer=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    in_use = RecommendationModel.objects.in_use().values("pk")[:1]
    return customers.select_related("recommendation_list").annotate(
        newest_purchase=Subquery(newest), model_in_use=Subquery(in_use)
    )


def make(*, customer: Customer, model: RecommendationModel, now: dt.datetime) -> list[Item]:
    """Make a customer's list at once, by what the model has learnt."""
    history = read_of(customer_ids=[customer.pk], until=now)
    signals = archive.load(model, product_ids=history.products.tolist())
    for __, items in ranking.ranked(history, signals, method=Method(model.method)):
        return items
    return ranking.popular(signals)


def unpacked(values: Sequence[object]) -> Item:
    """Return a kept item."""
    product, kind, because, times, gap, age = values
    return Item(int(product), KINDS[str(kind)], int(because), int(times), int(gap), int(age))


def _whole(pk: int) -> RecommendationModel:
    return RecommendationModel.objects.get(pk=pk)


def _may_be_shown(product: Product) -> bool:
    is_sensitive = product.category is not None and product.category.is_sensitive
    return product.is_in_stock and not product.is_retired and product.earns_points and not is_sensitive


def _tastes(customer: Customer) -> tuple[set[int], set[int]]:
    likes = customer.preferred_categories.values_list("pk", flat=True)
    return set(likes), set(customer.disliked_categories.values_list("pk", flat=True))


def _ordered(items: list[Item], products: dict[int, Product], likes: set[int], dislikes: set[int]) -> list[Item]:
    """Move what is liked a little up and what is not liked down."""

    def place(numbered: tuple[int, Item]) -> float:
        number, item = numbered
        category = products[item.product].category_id
        if category in dislikes:
            return number * DISLIKED + SINK
        return number * LIKED if category in likes else number

    return [item for __, item in sorted(enumerate(items), key=place)]

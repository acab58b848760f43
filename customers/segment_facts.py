"""What saved filters can ask about customers. Apps above add their own facts (their AppConfig.ready imports the module that does)."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers import rhythm_states
from customers.models import Category, Product, Purchase, PurchaseLine, Store
from customers.models.customer import CustomerQuerySet
from customers.money import MoneyField
from customers.timezones import programme_date, start_of_day

RECENT = dt.timedelta(days=90)

type Keep = Callable[[CustomerQuerySet, Any, dt.datetime], CustomerQuerySet]


@dataclass(frozen=True)
class Fact:
    """One question: a stable key, the form field that asks it, and who remains by an answer.

    `keep` gets what `stored` made of the field's clean value: numbers and texts, as JSON keeps them.
    """

    key: str
    field: Callable[[], forms.Field]
    keep: Keep

    @staticmethod
    def stored(value: Any) -> Any:
        """Return a clean value as it is kept: a record by its key."""
        return value.pk if isinstance(value, Model) else value


FACTS: dict[str, Fact] = {}


def register(*facts: Fact) -> None:
    """Add facts; the same again changes nothing."""
    FACTS.update({fact.key: fact for fact in facts})


def one_of(
    rows: Callable[[], QuerySet], label: str | Promise, help_text: str | Promise = ""
) -> Callable[[], forms.Field]:
    """Return a field that chooses a record, or none."""
    return lambda: forms.ModelChoiceField(
        rows(), required=False, label=label, help_text=help_text, empty_label=_("— any —")
    )


def number(label: str | Promise, least: int, most: int, help_text: str | Promise = "") -> Callable[[], forms.Field]:
    """Return a field for a whole number, or none."""
    return lambda: forms.IntegerField(required=False, label=label, min_value=least, max_value=most, help_text=help_text)


def amount(label: str | Promise, help_text: str | Promise = "") -> Callable[[], forms.Field]:
    """Return a field for an amount of the currency, or none; kept in its minor unit."""
    return lambda: MoneyField(required=False, label=label, help_text=help_text)


def choice(
    label: str | Promise, options: list[tuple[str, str | Promise]], help_text: str | Promise = ""
) -> Callable[[], forms.Field]:
    """Return a field that chooses a word, or none."""
    choices = [("", _("— any —")), *options]
    return lambda: forms.ChoiceField(required=False, label=label, help_text=help_text, choices=choices)


def _since(now: dt.datetime) -> dt.datetime:
    return start_of_day(programme_date(now) - RECENT)


def _bought_at(customers: CustomerQuerySet, store: int, now: dt.datetime) -> CustomerQuerySet:
    return customers.filter(Exists(Purchase.objects.filter(customer=OuterRef("pk"), store=store, occurred_at__lte=now)))


def _lines(now: dt.datetime, **what: int) -> Exists:
    return Exists(
        PurchaseLine.objects.filter(
            purchase__customer=OuterRef("pk"),
            purchase__occurred_at__gte=_since(now),
            purchase__occurred_at__lte=now,
            **what,
        )
    )


def _bought_category(customers: CustomerQuerySet, category: int, now: dt.datetime) -> CustomerQuerySet:
    return customers.filter(_lines(now, product__category=category))


def _bought_product(customers: CustomerQuerySet, product: int, now: dt.datetime) -> CustomerQuerySet:
    return customers.filter(_lines(now, product=product))


def _at_least(column: str, times: int = 1) -> Keep:
    return lambda customers, least, now: customers.filter(**{f"standing__{column}__gte": least * times})


def _at_most(column: str, times: int = 1) -> Keep:
    return lambda customers, most, now: customers.filter(**{f"standing__{column}__lte": most * times})


_FIFTHS = _("1 to 5; 5 is best. Empty asks nothing.")
_FORETOLD = _(
    "As the forecasts have it; who has none is in neither. See Forecasts on /insights/ for how far they can be trusted."
)
_OF_100 = _("Of 100 such customers so many buy.")
_PERMILLE = 10  # thousandths of a hundredth

register(
    Fact("home_store", one_of(Store.objects.all, _("Home store")), lambda c, store, now: c.filter(home_store=store)),
    Fact("bought_at", one_of(Store.objects.all, _("Bought at")), _bought_at),
    Fact(
        "category", one_of(Category.objects.all, _("Bought of category"), _("In the last 90 days.")), _bought_category
    ),
    Fact("product", one_of(Product.objects.all, _("Bought product"), _("In the last 90 days.")), _bought_product),
    Fact("recency_least", number(_("Recency, at least"), 1, 5, _FIFTHS), _at_least("recency")),
    Fact("recency_most", number(_("Recency, at most"), 1, 5, _FIFTHS), _at_most("recency")),
    Fact("frequency_least", number(_("Frequency, at least"), 1, 5, _FIFTHS), _at_least("frequency")),
    Fact("frequency_most", number(_("Frequency, at most"), 1, 5, _FIFTHS), _at_most("frequency")),
    Fact("monetary_least", number(_("Monetary value, at least"), 1, 5, _FIFTHS), _at_least("monetary")),
    Fact(
        "rhythm",
        choice(
            _("In their own rhythm"), rhythm_states.LABELS, _("As of the last night; who has bought since is on time.")
        ),
        rhythm_states.in_state,
    ),
    Fact("visits_least", number(_("Days with a purchase, at least"), 1, 100_000), _at_least("visits")),
    Fact("value_least", amount(_("Worth in the next year, at least"), _FORETOLD), _at_least("value")),
    Fact("value_most", amount(_("Worth in the next year, at most"), _FORETOLD), _at_most("value")),
    Fact(
        "chance_least",
        number(_("Chance to buy within 8 weeks, at least"), 0, 100, _OF_100),
        _at_least("chance_permille", _PERMILLE),
    ),
    Fact(
        "chance_most",
        number(_("Chance to buy within 8 weeks, at most"), 0, 100, _OF_100),
        _at_most("chance_permille", _PERMILLE),
    ),
)

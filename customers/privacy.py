"""What every model of the portal knows of people: how it is handed out to them, and what an erasure leaves of it.

Each app says so in its `privacy_rules.py`, one rule per model, and a test fails the build for a model or a field without
one. Export, erasure and the canary tests all walk over these rules, so nothing has to be remembered twice.
docs/privacy.md explains how to write a rule.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import models

# Fields that may hold anything: each needs a word in its model's rule. Numbers, keys, truth values, instants and choices of
# a closed list are handed out and kept, as the books need them.
FREE = (
    models.CharField, models.TextField, models.JSONField, models.BinaryField, models.DateField, models.FileField,
    models.GenericIPAddressField,
)  # fmt: skip
CUSTOMER = "customers.Customer"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whose data it is, for what no lookup reaches: files, logs of other libraries, stored answers.

    `words` are what finds the person in free text: e-mail addresses, phone numbers, cards, the member number.
    """

    customer_id: int
    user_id: int | None
    words: tuple[str, ...]
    name: str = ""


type Closer = Callable[..., None]
"""Called with customer, by and now, under the lock of the customer's points."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one model knows of customers. Written by `about_customer`, `elsewhere` and `no_person`."""

    model: str
    link: str = ""
    shown: frozenset[str] = frozenset()
    erased: Mapping[str, Any] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    is_deleted: bool = False
    stays: str = ""
    because: str = ""
    erase: Callable[[Subject], int] | None = None

    @property
    def model_class(self) -> type[models.Model]:
        """The model itself."""
        return _model(self.model)

    def rows(self, *, customer_id: int) -> models.QuerySet[Any]:
        """Return the rows about a customer, through no manager that hides or guards some."""
        return models.QuerySet(self.model_class).filter(**{self.link: customer_id})

    def exported(self) -> list[models.Field]:
        """Return the fields that are handed out: all but what is withheld and who of the staff it was."""
        return [
            each
            for each in self.model_class._meta.concrete_fields
            if each.name not in self.withheld and not _is_staff_key(each)
        ]


_rules: dict[str, Rule] = {}
_outside: dict[str, Callable[[Subject], int]] = {}
_closers: dict[str, Closer] = {}
_warnings: dict[str, Callable[..., list[str]]] = {}


def about_customer(
    model: str,
    *,
    link: str,
    shown: str = "",
    erased: Mapping[str, Any] | None = None,
    withheld: str = "",
    is_deleted: bool = False,
    stays: str = "",
) -> None:
    """Say how a model about customers is exported and erased.

    `link` is the lookup from a row to its customer, such as `purchase__customer`. Of the free fields, `shown` are handed out
    and stay (keys and codes that tell nothing of a person), `erased` are handed out and replaced by the value given, and
    `withheld` are not handed out and stay (digests, seals). With `is_deleted` an erasure deletes the rows. Rows whose link is
    `customer` follow when the customer is merged into another, unless they are unique to their customer or `stays` says why
    not, or what moves them instead.
    """
    _add(
        Rule(
            model=model,
            link=link,
            shown=frozenset(shown.split()),
            erased=dict(erased or {}),
            withheld=frozenset(withheld.split()),
            is_deleted=is_deleted,
            stays=stays,
        )
    )


def elsewhere(model: str, *, because: str, erase: Callable[[Subject], int]) -> None:
    """Say that rows of a model may mention a person without a key to them, and what takes the person out again."""
    _add(Rule(model=model, because=because, erase=erase))


def no_person(names: str, *, because: str) -> None:
    """Say that models, separated by blanks, know nothing of any customer."""
    for model in names.split():
        _add(Rule(model=model, because=because))


def outside(name: str, *, erase: Callable[[Subject], int]) -> None:
    """Say what takes a person out of something that is no table: files, a mailbox."""
    _outside[name] = erase


def closing(name: str, *, close: Closer, warn: Callable[..., list[str]] | None = None) -> None:
    """Say what an app has to settle before a customer is erased: points, coupons, mails that wait.

    `warn` takes customer and now and returns a sentence for each thing that would be lost.
    """
    _closers[name] = close
    if warn is not None:
        _warnings[name] = warn


def would_be_lost(*, customer: Any, now: dt.datetime) -> list[str]:
    """Return a sentence for each thing that a customer would lose by an erasure."""
    return [sentence for warn in _warnings.values() for sentence in warn(customer=customer, now=now)]


def closers() -> list[Closer]:
    """Return what has to be settled before an erasure, in the order in which the apps said so."""
    return list(_closers.values())


def erasers() -> list[Callable[[Subject], int]]:
    """Return what takes a person out of where no key leads to."""
    return [*_outside.values(), *(rule.erase for rule in rules() if rule.erase is not None)]


def _add(rule: Rule) -> None:
    if rule.model in _rules and _rules[rule.model] != rule:
        raise ValueError(f"{rule.model} has two privacy rules")
    _rules[rule.model] = rule


def rules() -> list[Rule]:
    """Return every rule, in the order in which the apps gave them."""
    return list(_rules.values())


def rule_of(model: type[models.Model]) -> Rule | None:
    """Return the rule of a model; None when nobody gave one. What joins two models is covered by the one that declares it."""
    rule = _rules.get(model._meta.label)
    if rule is None and model._meta.auto_created:
        owner = _rules.get(model._meta.auto_created._meta.label)
        return owner if owner is not None and not owner.link else None
    return rule


def all_models() -> list[type[models.Model]]:
    """Return every model of the portal, those of libraries and of many-to-many relations included."""
    return list(apps.get_models(include_auto_created=True))


def gaps(model: type[models.Model]) -> list[str]:
    """Return what the rules do not say about a model, each as a sentence that says what to write."""
    rule = rule_of(model)
    if rule is None:
        return [_nothing_said(model)]
    if not rule.link:
        return [
            f"{model._meta.label}.{each.name} points to {each.related_model._meta.label}, which knows customers: "
            f"{_where(model)} must say about_customer({model._meta.label!r}, link=…)"
            for each in model._meta.concrete_fields
            if rule.erase is None and _leads_to_customer(each)
        ]
    return [*_wrong_link(rule), *_unsaid_fields(rule)]


def stale() -> Iterator[str]:
    """Yield what rules say about models and fields that do not exist."""
    for rule in rules():
        try:
            known = {each.name for each in rule.model_class._meta.concrete_fields}
        except LookupError:
            yield f"{rule.model} is no model"
            continue
        for name in sorted((rule.shown | rule.withheld | set(rule.erased)) - known):
            yield f"{rule.model} has no field {name}"


def is_free(each: models.Field) -> bool:
    """Return whether a field may hold anything, so that its rule has to name it."""
    return (
        isinstance(each, FREE)
        and not isinstance(each, models.DateTimeField)
        and not each.choices
        and not each.is_relation
        and not each.primary_key
    )


def _unsaid_fields(rule: Rule) -> list[str]:
    said = [*rule.shown, *(rule.withheld | set(rule.erased))]  # a secret may be withheld and erased
    found = [
        f"{rule.model}.{each.name} is said twice in {_where(rule.model_class)}"
        for each in rule.model_class._meta.concrete_fields
        if said.count(each.name) > 1
    ]
    return found + [
        f"{rule.model}.{each.name} needs a word in {_where(rule.model_class)}: add {each.name} to shown (a key or code that "
        f'tells nothing of a person), to erased with what replaces it ({{"{each.name}": ""}}), or to withheld (a secret)'
        for each in rule.model_class._meta.concrete_fields
        if is_free(each) and each.name not in said
    ]


def _wrong_link(rule: Rule) -> list[str]:
    target: type[models.Model] = rule.model_class
    for step in rule.link.split("__"):
        try:
            each = target._meta.pk if step == "pk" else target._meta.get_field(step)
        except FieldDoesNotExist:
            return [f"{rule.model}: link {rule.link!r} leads nowhere at {step!r}"]
        target = each.related_model or target
    return [] if target._meta.label == CUSTOMER else [f"{rule.model}: link {rule.link!r} does not lead to a customer"]


def _nothing_said(model: type[models.Model]) -> str:
    free = [each.name for each in model._meta.concrete_fields if is_free(each)]
    names = [each.name for each in model._meta.concrete_fields if _leads_to_customer(each)]
    call = (
        f"about_customer({model._meta.label!r}, link={names[0]!r}, shown=…, erased={{…}}, withheld=…)"
        if names
        else f"no_person({model._meta.label!r}, because=…) or about_customer({model._meta.label!r}, link=…, …)"
    )
    return f"{model._meta.label} has no privacy rule. Add {call} to {_where(model)}; free fields: {', '.join(free) or 'none'}"


def _leads_to_customer(each: models.Field) -> bool:
    """Return whether a key points to a customer, or to a model that belongs to one. A log-in is no customer."""
    if not each.is_relation or _is_staff_key(each):
        return False
    rule = _rules.get(each.related_model._meta.label)
    return each.related_model._meta.label == CUSTOMER or bool(rule and rule.link)


def _is_staff_key(each: models.Field) -> bool:
    is_user = each.is_relation and each.related_model._meta.label == settings.AUTH_USER_MODEL
    return bool(is_user and each.model._meta.label != CUSTOMER)


def _where(model: type[models.Model]) -> str:
    ours = ("customers", "rewards", "surveys", "loyalty_site")
    app = model._meta.app_label
    return f"{app if app in ours else 'customers'}/privacy_rules.py"


def _model(label: str) -> type[models.Model]:
    by_label = {each._meta.label: each for each in all_models()} if "_" in label else {}
    return by_label.get(label) or apps.get_model(label)

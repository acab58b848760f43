"""The whole API under cases made from its own description: no fault of ours, no answer that the description does not know,
and no way round a scope. 100,000 cases with `--long`."""

from collections.abc import Iterator
from itertools import count

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from customers.models import Product
from customers.models.api_key import Scope
from customers.tests.api_factories import create_key
from customers.tests.factories import create_customer
from loyalty_site.api import API
from loyalty_site.api_description import describe
from loyalty_site.wsgi import application
from rewards import catalogue, checkout, coupons, holds, redemption, stored_value, value_accounts
from rewards.sale import SoldLine
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import NOON, award, create_rule, create_store
from rewards.tests.reward_factories import create_reward
from rewards.tests.value_factories import give_credit, sell_card

# Left out on purpose: positive_data_acceptance, since a well-formed request may still name nobody or be refused.
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
]
SCHEMA = schemathesis.openapi.from_dict(describe(API))
SCHEMA.app = application
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
_numbers = count(1)


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Keep the test's database connection over the requests, as Django's own test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def shop(db: None, settings) -> dict[str, list]:
    """A small shop; returns values that are known there, by the name of the field."""
    settings.API_REQUESTS_PER_MINUTE = 10**6
    store = create_store(code="harbour")
    create_store(code="web", kind="web")
    create_rule()
    alice = create_customer(member_number="A1", name="Alice", email="alice@example.com")
    bob = create_customer(member_number="B2", name="Bob")
    award(alice, 100_000)
    award(bob, 50)
    coupon = issue_coupon(batch=create_batch(uses_per_coupon=1000))
    single = issue_coupon(customer=alice)
    hold = holds.place(
        customer=alice, points=10, source="test:hold", occurred_at=NOON, expires_at=NOON.replace(year=2099)
    )
    use = redemption.redeem(coupon=coupon, request_key="test:use", now=NOON, store=store)
    purchase = checkout.record_purchase(
        store=store, till="1", reference="R-1", customer=alice, occurred_at=NOON, points=20,
        lines=[SoldLine(Product.objects.create(sku="TEA", name_en="Tea"), 3, 1_000)],
    )  # fmt: skip
    card, reward = sell_card(store=store), create_reward(points_cost=5)
    give_credit(alice)
    payment = stored_value.spend(
        account=card, amount=100, source="test:card", customer=None, occurred_at=NOON, purchase=purchase, store=store
    )
    order = catalogue.redeem_reward(customer=alice, reward=reward, key="test", now=timezone.now())
    return {
        "member_number": ["A1", "B2"],
        "from_member": ["A1"],
        "to_member": ["B2"],
        "email": ["alice@example.com"],
        "store": ["harbour", "web"],
        "till": ["1"],
        "code": [coupons.code_of(coupon), coupons.code_of(single), value_accounts.code_of(card)],
        "reservation": ["basket"],
        "purchase": ["R-1", "R-2"],
        "reference": ["R-1", "R-2"],
        "occurred_at": ["2026-03-10T12:00:00Z", "2026-03-11T12:00:00+01:00"],
        "hold": [hold.pk],
        "redemption": [use.pk],
        "sku": ["TEA"],
        "position": [1],
        "card": [card.pk],
        "movement": [payment.pk],
        "reward": [reward.slug],
        "order": [order.pk],
    }


@pytest.fixture
def keys(shop: dict) -> dict[str, frozenset[str]]:
    """A key with everything, and one for each scope."""
    every = frozenset(Scope.values)
    return {create_key(): every} | {create_key(scope): frozenset([scope]) for scope in Scope.values}


def known_instead(case: Case, shop: dict[str, list], choose: st.DataObject) -> None:
    """Put some values into a well-formed case that mean something in the shop, so that it gets further."""
    usual = lambda: choose.draw(st.integers(0, 7)) > 0  # noqa: E731
    lines = case.body.get("lines", []) if isinstance(case.body, dict) else []
    for place in (case.body, case.path_parameters, case.query, *lines):
        if not isinstance(place, dict):
            continue
        if "reference" in place:
            place.setdefault("store", "harbour")
        for name in sorted(place.keys() & shop.keys()):
            if usual():
                place[name] = choose.draw(st.sampled_from(shop[name]))
        if "lines" in place and usual():
            place["discount"] = 0
            for line in place["lines"]:
                line.pop("discount", None)
        if "points" in place and usual():
            place["points"] = choose.draw(st.integers(1, 5))


def run(operation, mode: GenerationMode, shop: dict, keys: dict, examples: int) -> None:
    scope = operation.definition.raw["x-scope"]
    texts = sorted(keys, key=lambda text: scope not in keys[text])

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=examples < 1000,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), choose=st.data())
    def try_it(case: Case, choose: st.DataObject) -> None:
        cache.clear()  # the limits of misses have tests of their own
        text = texts[choose.draw(st.integers(1, len(texts) - 1)) if choose.draw(st.integers(0, 9)) == 9 else 0]
        if mode is GenerationMode.POSITIVE:
            known_instead(case, shop, choose)
            if case.headers and choose.draw(st.booleans()):
                case.headers["Idempotency-Key"] = f"fuzz-{next(_numbers)}"
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {text}"}
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        if scope not in keys[text]:
            assert answer.status_code == 403

    try_it()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["well-formed", "malformed"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_one_that_the_description_knows(operation, mode: GenerationMode, shop: dict, keys: dict):
    run(operation, mode, shop, keys, 25)


@pytest.mark.long
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["well-formed", "malformed"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_100_000_cases_find_no_fault(operation, mode: GenerationMode, shop: dict, keys: dict):
    run(operation, mode, shop, keys, -(-100_000 // (2 * len(OPERATIONS))))

"""Every operation against every scope: a key does what its scopes say, and nothing else."""

import re

import pytest

from customers.models.api_key import Scope
from customers.tests.api_factories import Caller, create_key, problem
from loyalty_site.api import API
from loyalty_site.api_description import describe

# The whole matrix: a new operation is added here on purpose.
SCOPES = {
    "POST /customers/find": "customers:read",
    "GET /customers/{member_number}": "customers:read",
    "GET /customers/{member_number}/contacts": "customers:contacts",
    "GET /customers/{member_number}/recommendations": "recommendations:read",
    "POST /customers": "customers:write",
    "GET /customers/{member_number}/balance": "points:read",
    "GET /customers/{member_number}/statement": "points:read",
    "GET /customers/{member_number}/stamp-cards": "points:read",
    "POST /quotes": "purchases:read",
    "GET /purchases": "purchases:read",
    "POST /purchases": "purchases:write",
    "POST /refunds": "refunds:write",
    "POST /holds": "points:hold",
    "POST /holds/{hold}/capture": "points:hold",
    "POST /holds/{hold}/release": "points:hold",
    "POST /transfers": "points:transfer",
    "POST /coupons/validate": "coupons:read",
    "POST /coupons/reserve": "coupons:redeem",
    "POST /coupons/release": "coupons:redeem",
    "POST /coupons/redeem": "coupons:redeem",
    "POST /coupons/return": "coupons:redeem",
    "GET /customers/{member_number}/rewards": "rewards:read",
    "POST /reward-orders": "rewards:redeem",
    "GET /reward-orders/{order}": "rewards:read",
    "GET /reward-orders/{order}/code": "rewards:redeem",
    "POST /reward-orders/{order}/hand-over": "rewards:redeem",
    "POST /reward-orders/{order}/cancel": "rewards:redeem",
    "POST /gift-cards": "value:sell",
    "GET /gift-cards/{card}/code": "value:sell",
    "POST /gift-cards/top-up": "value:sell",
    "POST /gift-cards/balance": "value:read",
    "GET /customers/{member_number}/value": "value:read",
    "POST /gift-cards/spend": "value:spend",
    "POST /gift-cards/refund": "value:spend",
}


def test_the_matrix_is_complete():
    found = {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation["x-scope"]
        for path, methods in describe(API)["paths"].items()
        for method, operation in methods.items()
    }
    assert found == SCOPES


def test_every_write_and_no_read_needs_an_idempotency_key():
    reads = {"find_customer", "quote", "validate_coupon", "get_value"}
    for methods in describe(API)["paths"].values():
        for method, operation in methods.items():
            has_key = any(one["name"] == "Idempotency-Key" for one in operation["parameters"])
            assert has_key == (method == "post" and operation["operationId"] not in reads), operation["operationId"]


@pytest.mark.django_db
@pytest.mark.parametrize("scope", Scope.values)
def test_a_key_with_one_scope_is_refused_everywhere_else(scope: str):
    caller = Caller(create_key(scope))
    for operation, needed in SCOPES.items():
        method, path = re.sub(r"\{\w+\}", "1", operation.replace("{member_number}", "A1")).split()
        answer = caller.get(path) if method == "GET" else caller.post(path, {})
        if scope == needed:
            assert problem(answer)[0] in (404, 422), operation
        else:
            assert problem(answer) == (403, "scope_missing"), operation
            assert answer.json()["scope"] == needed

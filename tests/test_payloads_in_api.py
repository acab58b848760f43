"""Whatever another system sends is refused with a sentence or kept as text, and answers are never pages (threats D10, E1).

Bodies are made from the API's own description, with values that mean something in the shop and a payload in one text or in all.
"""

import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from customers.models import Customer
from loyalty_site.api import API
from loyalty_site.api_description import describe
from loyalty_site.tests.test_api_fuzz import keys, shop  # noqa: F401
from tests.payloads import MARK, PAYLOADS

pytestmark = pytest.mark.django_db
DESCRIPTION = describe(API)
HOSTILE = [*PAYLOADS, f"{MARK}\x00", f"{MARK}\udcff"]
OPERATIONS = [
    (path, found["requestBody"]["content"]["application/json"]["schema"], found["responses"])
    for path, methods in DESCRIPTION["paths"].items()
    for found in methods.values()
    if isinstance(found, dict) and "requestBody" in found
]


def resolved(schema: dict) -> dict:
    """Return what a reference or a choice of shapes stands for, the first that is something."""
    if "$ref" in schema:
        return resolved(DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return resolved(next(one for one in schema["anyOf"] if one.get("type") != "null"))
    return schema


def example(schema: dict, known: dict[str, list], name: str = "") -> Any:
    """Return a well-formed value, one of the shop's own where there is one."""
    schema = resolved(schema)
    if schema.get("type") == "object":
        return {key: example(each, known, key) for key, each in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [example(schema["items"], known, name)]
    if name in known:
        return known[name][0]
    if "enum" in schema:
        return schema["enum"][0]
    usual = {"string": "text", "integer": schema.get("minimum", 1), "boolean": True}
    return next(iter(schema.get("examples", [])), usual.get(schema.get("type"), "text"))


def texts(body: Any, *way: Any) -> Iterator[tuple]:
    """Give the way to every text of a body."""
    if isinstance(body, str):
        yield way
    for key, each in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        yield from texts(each, *way, key)


def put(body: Any, way: tuple, text: str) -> None:
    for key in way[:-1]:
        body = body[key]
    body[way[-1]] = text


@pytest.mark.parametrize(("path", "schema", "responses"), OPERATIONS, ids=[path for path, *_ in OPERATIONS])
def test_every_operation_refuses_with_a_sentence_or_keeps_text(path, schema, responses, shop, keys):  # noqa: F811
    payloads, key = cycle(HOSTILE), next(iter(keys))
    address = path.format(**{name: values[0] for name, values in shop.items()})
    ways = list(texts(example(schema, shop)))
    for chosen in [*([way] for way in ways), ways] * 3:
        body = example(schema, shop)
        for way in chosen:
            put(body, way, next(payloads))
        cache.clear()
        answer = Client(raise_request_exception=False).post(
            address, json.dumps(body), content_type="application/json",
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        assert str(answer.status_code) in responses, (body, answer.content[:300])
        assert answer.headers["Content-Type"].partition(";")[0] in ("application/json", "application/problem+json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.status_code >= 400:
            assert answer.json()["detail"]


def test_names_are_kept_letter_by_letter(shop, keys):  # noqa: F811
    key = next(iter(keys))
    kept = []
    for payload in HOSTILE:
        answer = Client(raise_request_exception=False).post(
            "/api/v1/customers", json.dumps({"name": payload}), content_type="application/json",
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        assert answer.status_code in (201, 400, 422), (payload, answer.content)
        if answer.status_code == 201:
            kept.append(payload)
    assert set(Customer.objects.filter(name__contains=MARK).values_list("name", flat=True)) == set(kept)
    assert len(kept) > 40

"""What the API answers when it cannot: one shape, one closed list, both languages."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from customers.api.problems import KINDS
from customers.tests.api_factories import Caller, create_key, problem
from customers.tests.factories import create_customer, create_store
from loyalty_site.api import API
from loyalty_site.api_description import describe

pytestmark = pytest.mark.django_db
NOON = "2026-03-10T13:00:00+01:00"


@pytest.fixture
def till() -> Caller:
    create_customer(member_number="A1")
    return Caller(create_key(store=create_store(code="harbour"), till="1"))


def purchase(**fields) -> dict:
    line = {"sku": "TEA", "quantity": 1, "unit_price": 450}
    return {"reference": "R-1", "member_number": "A1", "occurred_at": NOON, "lines": [line]} | fields


def faults(answer) -> dict[str, str]:
    assert problem(answer) == (422, "invalid")
    return {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}


def test_a_fault_is_named_by_its_pointer_in_the_language_that_was_asked_for(till: Caller):
    line = {"sku": "", "quantity": 0, "unit_price": "4.50", "price/unit": 1}
    answer = till.post("/purchases", {"lines": [line], "balance": 5, "occurred_at": "2026-03-10T13:00:00"})
    assert faults(answer) == {
        "/balance": "There is no such field.",
        "/lines/0/price~1unit": "There is no such field.",
        "/lines/0/quantity": "Must be 1 or more.",
        "/lines/0/sku": "Must not be empty.",
        "/lines/0/unit_price": "Must be a whole number.",
        "/occurred_at": "The time needs an offset from UTC, such as +01:00 or Z.",
        "/reference": "Missing.",
    }
    till.language = "zh-CN,zh;q=0.9"
    answer = till.post("/purchases", {"lines": [line]})
    assert answer["Content-Language"] == "zh-hans"
    assert faults(answer)["/reference"] != "Missing."


@pytest.mark.parametrize("extra", ["balance", "is_staff", "customer", "id", "earned", "by", "recorded_at", "total"])
def test_no_field_can_be_slipped_in(till: Caller, extra: str):
    bodies = {
        "/purchases": purchase(),
        "/customers": {"name": "Bob"},
        "/refunds": {
            "purchase": "R-1",
            "reference": "X",
            "occurred_at": NOON,
            "lines": [{"position": 1, "quantity": 1}],
        },
        "/coupons/redeem": {"code": "ABCD"},
        "/quotes": {name: value for name, value in purchase().items() if name != "reference"},
    }
    for path, body in bodies.items():
        assert f"/{extra}" in faults(till.post(path, body | {extra: 1})), path


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("occurred_at", "2999-01-01T00:00:00Z"),
        ("occurred_at", "0001-01-01T00:00:00Z"),
        ("occurred_at", "2026-02-30T00:00:00Z"),
        ("occurred_at", "2026-W10-2T00:00:00Z"),
        ("occurred_at", 1773144000),
        ("discount", 10**30),
        ("discount", -1),
        ("discount", 1.5),
        ("discount", True),
        ("discount", 451),
        ("reference", "R\u0000"),
        ("reference", "R\n1"),
        ("reference", " R"),
        ("reference", "x" * 65),
        ("lines", []),
        ("lines", {}),
        ("lines", [{"sku": "TEA", "quantity": 10**9, "unit_price": 1}]),
        ("lines", [{"sku": "TEA", "quantity": 9999, "unit_price": 999_999_999_999}]),
        ("member_number", 5),
    ],
)
def test_odd_values_are_named_and_never_a_fault_of_ours(till: Caller, field: str, value: object):
    assert faults(till.post("/purchases", purchase(**{field: value})))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[", b"\xff\xfe", b'{"reference": NaN}', b'{"a":' * 100_000, b"[" * 100_000, b'{"reference": "\\ud800"}',
        b'{"discount": ' + b"9" * 5000 + b"}", "{}".encode("utf-16"), b"null", b"1", b'"x"',
    ],
    ids=range(13),
)  # fmt: skip
def test_a_body_that_is_no_object_is_refused(till: Caller, body: bytes):
    refusals = {(400, "malformed"), (422, "invalid")} if body else {(415, "unsupported_media_type")}
    assert problem(till.post("/purchases", body)) in refusals


def test_large_bodies_other_media_types_and_unknown_parameters_are_refused(till: Caller):
    assert problem(till.post("/purchases", b" " * 11_000_000)) == (413, "too_large")
    assert problem(till.post("/purchases", b" " * (1024 * 1024 + 1))) == (413, "too_large")
    fields = json.dumps({f"field{n}": n for n in range(40_000)}).encode()
    assert problem(till.post("/purchases", fields)) == (422, "invalid")
    assert len(till.post("/purchases", fields).content) < 20_000
    headers = {"Authorization": f"Bearer {till.key}", "Idempotency-Key": "x"}
    form = Client().post("/api/v1/purchases", {"reference": "R-1"}, headers=headers)
    assert problem(form) == (415, "unsupported_media_type")
    chunked = Client().generic("POST", "/api/v1/purchases", headers=headers | {"Transfer-Encoding": "chunked"})
    assert problem(chunked) == (411, "length_required")
    assert faults(till.get("/customers/A1/balance", befor="3")) == {"befor": "This parameter does not exist here."}
    assert faults(till.get("/customers/A1/statement", limit="101")) == {"limit": "Must be 100 or less."}


def test_what_a_key_may_not_see_does_not_exist(till: Caller):
    create_store(code="hill")
    assert problem(till.post("/purchases", purchase(store="hill"))) == (404, "not_found")
    assert problem(till.post("/purchases", purchase(store="nowhere"))) == (404, "not_found")
    assert problem(till.post("/purchases", purchase(till="2"))) == (404, "not_found")
    assert problem(till.get("/customers/B2")) == (404, "not_found")
    assert problem(till.get("/nothing")) == (404, "not_found")
    assert problem(Client().get("/api/elsewhere")) == (404, "not_found")
    anywhere = Caller(create_key())
    assert faults(anywhere.post("/purchases", purchase())) == {"/store": "Name the store: this key acts for several."}


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(till: Caller):
    answer = till.call("DELETE", "/purchases")
    assert problem(answer) == (405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}


def test_every_answer_stays_out_of_caches(till: Caller):
    assert till.get("/customers/A1")["Cache-Control"] == "no-store"
    assert till.get("/customers/B2")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_pages_describe_every_operation_and_problem_without_any_script_of_others(client: Client, language: str):
    page = client.get(reverse("api:docs"), headers={"Accept-Language": language})
    assert page.status_code == 200
    document = client.get(reverse("api:openapi")).json()
    assert document["openapi"] == "3.1.0"
    assert document == json.loads(json.dumps(describe(API)))
    for path, methods in document["paths"].items():
        assert path in page.text
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page.text
    for code in KINDS:
        assert f"<code>{code}</code>" in page.text
        assert client.get(f"/api/problems/{code}").status_code == 200
    assert client.get("/api/problems/nonsense").status_code == 404
    assert "style=" not in page.text
    assert page.text.count("<script") == page.text.count("<script src=")


def test_an_address_with_a_thousand_parameters_is_malformed_and_no_fault_of_ours(till: Caller):
    answer = till.get("/customers/A1/balance?" + "&".join(f"field{n}=1" for n in range(1_001)))
    assert problem(answer) == (400, "malformed")
    assert answer.json()["detail"] == "At most 1000 parameters can be sent."

"""Keys and calls of the API, for tests."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from customers import api_keys
from customers.models import Store
from customers.models.api_key import Scope

_numbers = count(1)
EVERYTHING = tuple(Scope.values)


def create_key(*scopes: str, store: Store | None = None, till: str = "", **fields) -> str:
    """Make a key, by default with every scope, and return its text."""
    fields = {"label": "Till", "by": None, "now": timezone.now()} | fields
    return api_keys.create(scopes=scopes or EVERYTHING, store=store, till=till, **fields).text


@dataclass
class Caller:
    """A till: calls the API with its key and a fresh Idempotency-Key each time, unless one is given."""

    key: str = field(default_factory=create_key)
    language: str = "en"

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, once: str | None = "", **headers: str) -> HttpResponse:
        """Send a body; `once` is the Idempotency-Key, None for none."""
        if once is not None:
            headers["Idempotency-Key"] = once or f"test-{next(_numbers)}"
        return self.call("POST", path, body, headers=headers)

    def call(
        self, method: str, path: str, body: Any = None, *, headers: dict | None = None, query: dict | None = None
    ) -> HttpResponse:
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Language": self.language} | (headers or {})
        return Client().generic(
            method, f"/api/v1{path}", b"" if method == "GET" else data, content_type="application/json",
            headers={name: value for name, value in headers.items() if value is not None}, query_params=query,
        )  # fmt: skip


def problem(response: HttpResponse) -> tuple[int, str]:
    """Return status and code of a problem, whose shape is checked."""
    assert response["Content-Type"] == "application/problem+json", response.content
    found = response.json()
    assert found["type"] == f"/api/problems/{found['code']}"
    assert found["status"] == response.status_code
    assert found["title"]
    assert found["detail"]
    return found["status"], found["code"]

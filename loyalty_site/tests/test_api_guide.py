"""docs/api.md does what it says: its examples run in order, and its tables are complete."""

import json
import re
import shlex
from pathlib import Path

import pytest
from django.test import Client

from customers.api.problems import KINDS
from customers.models.api_key import Scope
from customers.tests.api_factories import create_key
from customers.tests.factories import create_customer, create_store
from rewards.tests.factories import create_rule

GUIDE = (Path(__file__).resolve().parents[2] / "docs/api.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.*?)```\n```json (\d+)\n(.*?)```", GUIDE, flags=re.DOTALL)


def call(command: str, key: str):
    """Send what a curl command would send."""
    words = iter(shlex.split(command.replace("$API", "/api/v1").replace("$KEY", key).replace("\\\n", " "))[1:])
    path, headers, body = next(words), {}, None
    for word in words:
        value = next(words)
        if word == "-H":
            name, _colon, text = value.partition(": ")
            headers[name] = text
        else:
            assert word == "-d"
            body = value
    content_type = headers.pop("Content-Type", "")
    return Client().generic("GET" if body is None else "POST", path, body or "", content_type, headers=headers)


def matches(expected: object, found: object) -> bool:
    """Compare, an ellipsis standing for anything."""
    if expected == "…":
        return found is not None
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(matches(expected[name], found[name]) for name in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(matches, expected, found))
    return expected == found


@pytest.mark.django_db
def test_the_examples_of_the_guide_answer_as_it_says():
    create_store(code="harbour")
    create_rule()
    create_customer(member_number="A1", phone="+49301234567")
    key = create_key()
    assert len(EXAMPLES) == 9
    for command, status, answer in EXAMPLES:
        found = call(command, key)
        assert found.status_code == int(status), (command, found.content)
        assert matches(json.loads(answer), found.json()), (command, found.json())


def test_the_guide_lists_every_problem_and_every_scope():
    listed = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", GUIDE, flags=re.MULTILINE))
    assert listed == {code: str(kind.status) for code, kind in KINDS.items()}
    assert set(re.findall(r"^\| `(\w+:\w+)` \|", GUIDE, flags=re.MULTILINE)) == set(Scope.values)

"""House rules that a machine can hold."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from customers import privacy

ROOT = Path(__file__).resolve().parent.parent
APPS = ["customers", "rewards", "surveys", "loyalty_site"]
DOORS = {"admin", "api", "apps", "forms", "receivers", "tasks", "urls", "views"}
LONGEST_FUNCTION = 80
LONGEST_MODULE = 500

PYTHON = [
    path
    for app in APPS
    for path in sorted((ROOT / app).rglob("*.py"))
    if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts)
]
TEMPLATES = [
    path
    for folder in ["templates", *(f"{app}/templates" for app in APPS)]
    for path in sorted((ROOT / folder).rglob("*.html"))
]
OUR_MODELS = [model for app in APPS[:3] for model in apps.get_app_config(app).get_models()]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_modules_and_functions_stay_short() -> None:
    long = [
        f"{name_of(path)}: {lines} lines"
        for path in PYTHON
        if (lines := sum(1 for line in path.read_text().splitlines() if line.strip())) > LONGEST_MODULE
    ]
    long += [
        f"{name_of(path)}:{function.lineno} {function.name}: {lines} lines"
        for path in PYTHON
        for function in functions(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    assert long == []


def test_modules_are_named_for_a_noun() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common", "services", "managers", "signals"}
    assert [name_of(path) for path in PYTHON if path.stem in vague] == []


def test_domain_functions_are_annotated() -> None:
    bare = []
    for path in PYTHON:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] == "loyalty_site" or parts[1] in DOORS | {"management", "models", "templatetags"}:
            continue
        for function in functions(path):
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            unknown = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
            if function.returns is None or unknown:
                bare.append(f"{name_of(path)}:{function.lineno} {function.name}({', '.join(unknown)})")
    assert bare == []


def test_a_truth_value_is_passed_by_name() -> None:
    """`issue(coupon, True)` says nothing. Forms and the admin keep the shapes that Django gave them."""
    nameless = [
        f"{name_of(path)}:{function.lineno} {function.name}({argument.arg})"
        for path in PYTHON
        if not DOORS & set(path.relative_to(ROOT).with_suffix("").parts)
        for function in functions(path)
        for argument in function.args.args
        if isinstance(argument.annotation, ast.Name)
        and argument.annotation.id == "bool"
        and len(function.args.args) > 1
        and not function.name.startswith("_")
    ]
    assert [place for place in nameless if not place.startswith("loyalty_site/environment.py")] == []


def test_no_signals_between_our_own_models() -> None:
    forbidden = re.compile(r"\b(pre|post)_(save|delete|init)\b|\bm2m_changed\b")
    assert [name_of(path) for path in PYTHON if forbidden.search(path.read_text())] == []


# Doors by another name: an adapter of the log-in, what stands before every page, and the long work of an import that notes
# its own progress.
CLOCK_WATCHERS = {"accounts", "confirming", "import_jobs", "import_runner", "middleware"}


def test_the_clock_is_passed_in() -> None:
    """Domain functions take now= or occurred_at=; only doors look at the clock, and whoever notes when a row was written."""
    guilty = []
    for path in PYTHON:
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_door = parts[1] in DOORS | CLOCK_WATCHERS or parts[1].endswith("_forms")
        if len(parts) != 2 or is_door or parts[0] == "loyalty_site":
            continue
        lines = path.read_text().splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            called = isinstance(node, ast.Call) and ast.unparse(node.func)
            if not called or re.search(r"recorded_at|\bnow or ", lines[node.lineno - 1]):
                continue
            if called in ("datetime.now", "timezone.now", "date.today", "datetime.today", "now", "time.time"):
                guilty.append(f"{name_of(path)}:{node.lineno}")
    assert guilty == []


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model._meta.label)
class TestModel:
    def test_datetimes_end_in_at_and_dates_in_date(self, model: type[models.Model]) -> None:
        odd = []
        for field in model._meta.local_fields:
            inherited = model._meta.label == "customers.User" and field.name in ("last_login", "date_joined")
            if isinstance(field, models.DateTimeField):
                fits = field.name.endswith(("_at", "_until")) or field.name == "not_before"
            elif isinstance(field, models.DateField):
                fits = field.name.endswith("_date") or field.name == "birthday"
            else:
                fits = not field.name.endswith(("_at", "_date"))
            if not fits and not inherited:
                odd.append(f"{model._meta.label}.{field.name}")
        assert odd == []

    def test_it_says_what_it_knows_of_customers(self, model: type[models.Model]) -> None:
        assert privacy.gaps(model) == []

    def test_no_order_is_built_in(self, model: type[models.Model]) -> None:
        assert not model._meta.ordering, "order where the list is made, by something unique"

    def test_money_and_points_are_integers(self, model: type[models.Model]) -> None:
        fractions = models.FloatField | models.DecimalField
        assert [f.name for f in model._meta.local_fields if isinstance(f, fractions)] == []

    def test_a_row_has_a_name(self, model: type[models.Model]) -> None:
        assert model.__str__ is not models.Model.__str__


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_obey_the_content_security_policy(path: Path) -> None:
    source = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)
    is_mail = bool({"emails", "email"} & set(path.parts))
    found = re.findall(r"\son[a-z]+\s*=|javascript:", source)
    if not is_mail:  # a mail program knows no policy and no style sheet
        found += re.findall(r"""\sstyle\s*=""", source)
        found += [
            tag
            for tag in re.findall(r"<(?:script|style)\b[^>]*>", source)
            if not re.search(r"nonce|\ssrc=|application/json", tag)
        ]
    found += re.findall(r"""<(?:script|link|img)\b[^>]*(?:src|href)\s*=\s*["'](?:https?:)?//[^"']*""", source)
    assert found == []


def test_nothing_in_a_template_is_trusted_blindly() -> None:
    trusted = re.compile(r"\|\s*safe\b|{%\s*autoescape\s+off")
    assert [name_of(path) for path in TEMPLATES if trusted.search(path.read_text())] == []


def test_every_mail_has_a_subject_a_text_and_a_page() -> None:
    folders = [folder for folder in (ROOT / "templates/emails").glob("*") if folder.is_dir()]
    wanted = {"subject.txt", "body.txt", "body.html"}
    assert {name_of(folder): wanted - {path.name for path in folder.iterdir()} for folder in folders} == {
        name_of(folder): set() for folder in folders
    }

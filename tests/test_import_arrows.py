"""Imports run one way: customers <- rewards <- surveys <- loyalty_site, and models know nothing of the doors above them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ["customers", "rewards", "surveys", "loyalty_site"]
DOORS = {"forms", "views", "api", "admin", "tasks", "receivers", "urls"}


def modules(app: str) -> list[Path]:
    return [path for path in sorted((ROOT / app).rglob("*.py")) if "tests" not in path.relative_to(ROOT).parts]


def imports(source: str, module: str) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything a module imports, inside functions and by `import_module("…")` as well."""
    package = module.split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            origin = ".".join(filter(None, [base, node.module or ""]))
            yield node.lineno, origin
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
            yield from ((node.lineno, argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def upward(source: str, module: str) -> list[str]:
    """Return the imports that go from a lower app to a higher one."""
    higher = APPS[APPS.index(module.split(".")[0]) + 1 :]
    return [f"{module}:{line} imports {name}" for line, name in imports(source, module) if name.split(".")[0] in higher]


@pytest.mark.parametrize("app", APPS)
def test_no_app_imports_a_higher_one(app: str) -> None:
    # The composition root's pieces that every app may use: reading settings is done by django.conf, so there are none.
    assert [line for path in modules(app) for line in upward(path.read_text(), dotted(path))] == []


@pytest.mark.parametrize("app", APPS)
def test_nothing_imports_tests(app: str) -> None:
    guilty = [
        f"{dotted(path)}:{line} imports {name}"
        for path in modules(app)
        for line, name in imports(path.read_text(), dotted(path))
        if "tests" in name.split(".")
    ]
    assert guilty == []


@pytest.mark.parametrize("app", APPS[:3])
def test_models_and_domain_modules_import_no_doors(app: str) -> None:
    guilty = []
    for path in modules(app):
        parts = path.relative_to(ROOT / app).with_suffix("").parts
        if parts[0].endswith("_forms") or parts[0] in DOORS | {
            "apps",
            "management",
            "templatetags",
            "accounts",
            "middleware",
            "till",
            "pages",
        }:
            continue
        doors = {f"{other}.{door}" for other in APPS for door in DOORS - ({"tasks"} if parts[0] != "models" else set())}
        for line, name in imports(path.read_text(), dotted(path)):
            if ".".join(name.split(".")[:2]) in doors:
                guilty.append(f"{dotted(path)}:{line} imports {name}")
    assert guilty == []


def test_the_walk_sees_every_kind_of_import() -> None:
    source = """
import surveys.mailing
from surveys import mailing
def late():
    from surveys.models import Survey
    import_module("surveys.tasks")
"""
    assert len(upward(source, "rewards.ledger")) >= 4
    assert upward("from customers.models import Customer", "rewards.ledger") == []
    assert upward("from ..surveys import mailing", "rewards.ledger.core") == []

"""The README tells the truth about what a machine can check."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_environment_variable_is_in_the_readme() -> None:
    source = (ROOT / "loyalty_site/settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"""\benv(?:_\w+)?\(\s*"([A-Z_]+)\"""", source)) - {"TEST_DATABASE"}  # the tests' own
    assert len(read) > 20
    assert {name for name in read if f"`{name}`" not in README} == set()


def test_the_readme_names_no_variable_that_is_gone() -> None:
    table = README.partition("## Settings")[2].partition("## ")[0]
    named = set(re.findall(r"`([A-Z][A-Z_]{3,})`", "".join(re.findall(r"^\| [^|]+\|", table, re.MULTILINE))))
    source = (ROOT / "loyalty_site/settings.py").read_text(encoding="utf-8")
    assert {name for name in named if f'"{name}"' not in source} == set()


def test_every_file_and_command_in_the_readme_exists() -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    commands = re.findall(r"manage\.py (\w+)", README)
    own = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    django = {"check", "collectstatic", "createsuperuser", "migrate"}
    assert [name for name in linked if not (ROOT / name).exists()] == []
    assert set(commands) - own - django == set()

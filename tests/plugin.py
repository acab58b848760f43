"""What every test of the portal shares: its environment, its databases, its servers and its browser.

Loaded by pyproject.toml before Django reads its settings. `pytest` alone runs on SQLite, `pytest --postgres` on PostgreSQL;
either starts a private server, so nothing needs to be installed or running.
"""

import gc
import json
import logging
import math
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from loyalty_site.translations import compile_catalogues
from tests.servers import BROWSER_FLAGS, Postgres, Shop, SmtpSink, Valkey, find_browser
from tests.watched_logs import Watch, install

# The servers of this run. With pytest-xdist the first process starts them, and its workers inherit the environment.
_servers: list[Valkey | Postgres] = []
_directory = Path(tempfile.mkdtemp(prefix="loyalty-test-"))
_ROOT = Path(__file__).resolve().parent.parent
_is_worker = "PYTEST_XDIST_WORKER" in os.environ


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("portal")
    group.addoption("--postgres", action="store_true", help="run on a private PostgreSQL instead of SQLite")
    group.addoption("--long", action="store_true", help="run the tests marked long, too")
    group.addoption("--tally", help="write the counts of passed, failed and skipped tests into this file")
    group.addoption("--no-browser", action="store_true", help="leave out the tests that need a browser")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set the environment that settings.py is about to read; nothing of the caller's own leaks in."""
    if not _is_worker:
        # Compiled once, not again by each of the processes that tests start, whatever the caller's environment says.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False
        # Ended from outside, a run still stops its servers, as it does after Ctrl-C.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        for name in ("DATABASE_URL", "SECRET_KEY", "LEDGER_KEYS", "COUPON_KEY", "MAILER", "SURVEY_MAILER", "SITE_URL"):
            os.environ.pop(name, None)
        _servers.append(Valkey().start())
        os.environ["REDIS_URL"] = _servers[-1].url
        if early_config.known_args_namespace.postgres:
            _servers.append(Postgres().start())
            os.environ["DATABASE_URL"] = _servers[-1].url()
        compile_catalogues()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{worker}"
    os.environ["VAR_DIR"] = str(_directory)
    (_directory / "static").mkdir(exist_ok=True)  # where whitenoise expects the collected files
    # A real file, since threads and processes race for it.
    os.environ["TEST_DATABASE"] = str(_directory / "test.sqlite3")
    os.environ["DEBUG"] = "True"  # development secrets and plain static files; Django itself tests with DEBUG off
    os.environ["LOG_LEVEL"] = "WARNING"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if path := config.getoption("--tally"):
        counted = ("passed", "failed", "error", "skipped")
        Path(path).write_text(json.dumps({name: len(terminalreporter.stats.get(name, ())) for name in counted}))


def pytest_unconfigure() -> None:
    while _servers:
        _servers.pop().close()
    shutil.rmtree(_directory, ignore_errors=True)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process run the tests that share something dear: the opened shop, or what a module sets up for all of its tests."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _shared_by(nodeid.partition("::")[0]) or nodeid

    return Scheduling(config, log)


@cache
def _shared_by(path: str) -> str:
    text = (_ROOT / path).read_text()
    if "shop_server" in text:
        return "the shop"
    return path if 'scope="module"' in text else ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = []
    for item in items:
        if {"page", "browser", "shop_server"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
        is_long = item.get_closest_marker("long") and not config.getoption("--long")
        is_unwanted = item.get_closest_marker("browser") and config.getoption("--no-browser")
        if is_long or is_unwanted:
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays until the end: modules, models and thousands of tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _watched_logs() -> Iterator[Watch]:
    """Hear what the portal logs in this process."""
    watch = install()
    yield watch
    logging.getLogger().removeHandler(watch)


@pytest.fixture(autouse=True)
def _nobody_in_the_logs(_watched_logs: Watch) -> Iterator[None]:
    """Fail a test in which a log line named somebody or held what opens something."""
    _watched_logs.found.clear()
    yield
    assert _watched_logs.found == [], "log ids, never persons: " + "; ".join(_watched_logs.found)


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    """Forget rate limits, queued tasks and the language of the last request after every test.

    Before it, nobody listens for webhooks: a test that makes an endpoint is heard at once, the others ask no database.
    """
    from customers import looks, webhooks
    from customers.models import Look

    looks.keep(Look(), seconds=math.inf)  # so do pages for their look
    webhooks.EARS.wanted, webhooks.EARS.fresh_until = frozenset(), math.inf
    yield
    from django.core.cache import cache
    from django.utils import translation

    from surveys.views import first_page

    translation.deactivate()
    first_page.forget()  # the next test's questions have the keys of this one's

    cache.clear()


@pytest.fixture(autouse=True)
def _even_coins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the coins of each trial fall evenly, in turn, heads first, so that no test hangs on chance.

    Whoever tests the coin itself, or that two of them do not agree, marks the test `real_coin`.
    """
    from rewards import coins

    if request.node.get_closest_marker("real_coin"):
        return
    tossed = Counter()

    @cache
    def falls(*, purpose: str, key: str, odds: int) -> bool:
        tossed[purpose] += 1
        before, after = (
            (number * odds + coins.ALL - 1) // coins.ALL for number in (tossed[purpose] - 1, tossed[purpose])
        )
        return after > before

    monkeypatch.setattr(coins, "falls", falls)


@pytest.fixture(autouse=True, scope="session")
def _tables_emptied_at_once() -> None:
    """After a test that commits, delete what is there; the ledger's guards and Django's own rows stay."""
    from django.db.models.signals import post_migrate
    from django.test import TransactionTestCase

    from tests import leftovers

    post_migrate.connect(leftovers.remember)
    TransactionTestCase._fixture_teardown = lambda case: leftovers.remove()


@pytest.fixture(autouse=True, scope="session")
def _static_files_found_once() -> None:
    """Look for the static files once, not again for each client of a test: half a thousand files take a tenth of a second."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    find, found = WhiteNoiseMiddleware.add_files_from_finders, {}

    def find_once(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    WhiteNoiseMiddleware.add_files_from_finders = find_once


@pytest.fixture(autouse=True, scope="session")
def _stable_pages() -> None:
    """Refuse to cut a list into pages whose order is left to chance, in whatever page a test opens."""
    from django.core.paginator import Paginator
    from django.db.models import QuerySet

    build = Paginator.__init__

    def build_with_order(paginator: Paginator, object_list: Any, *args: Any, **kwargs: Any) -> None:
        is_stable = not isinstance(object_list, QuerySet) or object_list.totally_ordered
        assert is_stable, f"pages of {object_list.model.__name__} are not totally ordered: end the order with the pk"
        build(paginator, object_list, *args, **kwargs)

    Paginator.__init__ = build_with_order


@pytest.fixture(scope="session")
def valkey() -> str:
    """The URL of a real Valkey server, one database of it for this process."""
    return os.environ["REDIS_URL"]


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A mail server that keeps what it gets; see tests/servers.py for the addresses that it refuses."""
    sink = SmtpSink()
    yield sink
    sink.close()


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:  # noqa: F821
    """A real Chromium."""
    from playwright.sync_api import sync_playwright

    program = find_browser()
    if program is None:
        pytest.fail("No Chromium or Chrome was found: install one, or name its program in CHROMIUM.", pytrace=False)
    # Playwright runs an event loop in this thread; Django would refuse its database because of that.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:  # noqa: F821
    """A phone's window in a profile of its own; a script error or a breach of the content security policy fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    # A refused form is a page with a 4xx status, which Chromium mentions, too.
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


@pytest.fixture(scope="session")
def shop_server() -> Iterator[Shop]:
    """The portal's real processes over an empty database of the kind this run tests; see Shop for what it offers."""
    with ExitStack() as servers:
        database_url = ""
        if "DATABASE_URL" in os.environ:
            # As durable as production: the portal refuses the quick server that the other tests use.
            database_url = servers.enter_context(Postgres(durable=True)).create_database("shop")
        yield servers.enter_context(Shop(database_url=database_url))

"""What it costs to plan a campaign, and whether the next mails are found as fast among ten million as among ten thousand.

    python benchmarks/planning.py [--sizes 10000 100000] [--queues 10000 1000000] [--long] [--databases sqlite postgres] [--json FILE]

`--long` plans up to a million customers and takes the next mails among up to ten million.

*plan* is `surveys.audience.prepare` over so many customers: the audience, every reason to skip somebody (addresses, consents,
suppressions, twins, quarantine, sample), one row for each and one mail for each who is asked. Of ten customers one has no
address, one has not agreed, one was asked last week, and one in fifty shares a mailbox. *raw* is nothing but `INSERT … SELECT` of the rows that
planning wrote, from plain copies into empty tables with the same constraints and indexes, in the same process (median of three). The bar is 0.30
of raw's speed.

*claim* is the median time of taking the next 20 mails, re-checks and commits included, and *find* of the query alone, with so many
queued in the run and as many in a paused one that comes first. Each may grow by no more than a factor of 2 from the smallest queue to the largest;
*plan* of the query is checked for its index by surveys/tests/test_claiming.py.
"""

import argparse
import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import production  # noqa: E402

from tests.servers import Postgres, Valkey  # noqa: E402

TABLES = ["surveys_invitation", "surveys_message"]
LOOKS = 21
BARS = {"plan_of_raw": 0.30, "growth": 2.0}
SIZES, LONG_SIZES = [10_000, 100_000], [10_000, 100_000, 1_000_000]
QUEUES, LONG_QUEUES = [10_000, 1_000_000], [10_000, 100_000, 1_000_000, 10_000_000]


def fill(customers: int) -> None:
    """Make customers with addresses, consents, suppressions and an earlier run, by the portal's own set functions."""
    import datetime as dt

    from django.utils import timezone

    from customers.bulk import copy_in
    from customers.models import Consent, Customer, Identifier
    from surveys import suppression
    from surveys.models import Suppression

    now = timezone.now()
    then = now - dt.timedelta(days=400)
    zones = ["", "", "", "Asia/Shanghai", "America/New_York"]
    copy_in(
        Customer,
        (
            "member_number",
            "name",
            "name_folded",
            "language",
            "time_zone",
            "is_personalised",
            "enrolled_at",
            "recorded_at",
        ),
        ((f"M{n:08}", f"Customer {n}", f"customer {n}", "", zones[n % 5], True, then, then) for n in range(customers)),
    )
    keys = list(Customer.objects.order_by("pk").values_list("pk", flat=True))

    def address(n: int) -> str:
        return f"twin{n // 2}+{n}@gmail.com" if n % 100 in (50, 51) else f"customer{n}@shop{n % 97}.example"

    addresses = [(n, pk, address(n)) for n, pk in enumerate(keys) if n % 10]
    copy_in(
        Identifier,
        ("customer_id", "kind", "value", "normalised", "recorded_at"),
        ((pk, "email", email, email, then) for _n, pk, email in addresses),
    )
    copy_in(
        Consent,
        ("customer_id", "channel", "purpose", "is_granted", "wording", "source", "occurred_at", "recorded_at"),
        ((pk, "email", "surveys", n % 10 != 1, "", "bench", then, then) for n, pk in enumerate(keys)),
    )
    copy_in(
        Suppression,
        ("email_hash", "scope", "reason", "source", "occurred_at"),
        (
            (suppression.email_hash(email), "all", "bounced", "bench", then)
            for n, _pk, email in addresses
            if n % 50 == 9
        ),
    )


def campaign(**fields: Any) -> Any:
    """Draft and schedule a campaign to everybody."""
    from django.utils import timezone

    from surveys import campaigns
    from surveys.models import Campaign, Question, Survey, SurveyVersion

    now = timezone.now()
    survey, is_new = Survey.objects.get_or_create(slug="bench", defaults={"title_en": "Bench"})
    if is_new:
        version = SurveyVersion.objects.create(survey=survey, number=1)
        Question.objects.create(version=version, position=1, key="nps", kind="nps", text_en="How likely?")
        SurveyVersion.objects.update(published_at=now)
    made = Campaign.objects.create(
        name="Bench", survey=survey, segment="everyone", scheduled_at=now, subject_en="How was it?", hour_from=0,
        hour_until=24, **fields,
    )  # fmt: skip
    Campaign.objects.filter(pk=made.pk).update(state=Campaign.State.SCHEDULED)
    [run] = campaigns.plan_due_runs(now=timezone.now())
    return run


def measure_planning(customers: int) -> dict[str, Any]:
    """Fill this process's portal and plan a run over all its customers."""
    import django

    django.setup()
    import datetime as dt

    from django.db import connection, transaction
    from django.utils import timezone

    from surveys import audience, runs
    from surveys.models import Message

    begin = time.perf_counter()
    with transaction.atomic():
        fill(customers)
    earlier = campaign(sample=1_200)
    audience.prepare(run=earlier, now=timezone.now())
    week_ago = timezone.now() - dt.timedelta(days=7)
    Message.objects.update(state=Message.State.ACCEPTED, finished_at=week_ago)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    found: dict[str, Any] = {"database": connection.vendor, "customers": customers, "fill": time.perf_counter() - begin}
    run = campaign(sample=9_500)
    begin = time.perf_counter()
    assert audience.prepare(run=run, now=timezone.now()) == customers
    found["plan"] = time.perf_counter() - begin
    counts = runs.counts(run=run)
    assert counts.considered == customers == counts.skipped + sum(counts.states.values())
    found |= {"mails": counts.states["queued"], "skips": counts.skips}
    found["raw"] = statistics.median(write_raw(run.pk) for _n in range(3))
    return found | {"ratio": found["raw"] / found["plan"], "per_second": customers / found["plan"]}


def write_raw(run_id: int) -> float:
    """Insert the rows of a run from plain copies into empty tables of the same shape, in one transaction; return seconds."""
    from django.db import connection

    connection.ensure_connection()
    seconds = 0.0
    if connection.vendor == "postgresql":
        raw = connection.connection
        raw.execute("SET statement_timeout = 0")
        for table in TABLES:
            raw.execute(f"DROP TABLE IF EXISTS raw_{table}, kept_{table} CASCADE")
            raw.execute(f"CREATE UNLOGGED TABLE kept_{table} AS SELECT * FROM {table} WHERE run_id = {run_id}")
            raw.execute(f"CREATE TABLE raw_{table} (LIKE {table} INCLUDING ALL)")
            keys = raw.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
                [table],
            ).fetchall()
            for (definition,) in keys:
                raw.execute(f"ALTER TABLE raw_{table} ADD {definition}")
            begin = time.perf_counter()
            with raw.transaction():
                raw.execute(f"INSERT INTO raw_{table} SELECT * FROM kept_{table}")
            seconds += time.perf_counter() - begin
        return seconds
    own = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    own.execute("PRAGMA foreign_keys = ON")
    own.execute("PRAGMA cache_size = -32768")
    for table in TABLES:
        own.execute(f"DROP TABLE IF EXISTS raw_{table}")
        own.execute(f"DROP TABLE IF EXISTS kept_{table}")
        own.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table} WHERE run_id = {run_id}")
        objects = own.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC",
            [table],
        ).fetchall()
        for (sql,) in objects:
            own.execute(sql.replace(f'ON "{table}"', f'ON "raw_{table}"').replace('INDEX "', 'INDEX "raw_', 1)
                        .replace(f'TABLE "{table}"', f'TABLE "raw_{table}"', 1))  # fmt: skip
        begin = time.perf_counter()
        own.execute("BEGIN IMMEDIATE")
        own.execute(f"INSERT INTO raw_{table} SELECT * FROM kept_{table}")
        own.execute("COMMIT")
        seconds += time.perf_counter() - begin
    own.close()
    return seconds


def measure_claiming(queued: int) -> dict[str, Any]:
    """Time taking the next mails of a run with so many queued, beside a paused run with as many that come first."""
    import django

    django.setup()
    import datetime as dt

    from django.db import connection, transaction
    from django.utils import timezone

    from surveys import audience, claiming, runs
    from surveys.models import Message, Run

    with transaction.atomic():
        fill(2_000)
    paused, run = campaign(), campaign(quarantine_days=0)
    for each in (paused, run):
        audience.prepare(run=each, now=timezone.now())
    runs.pause(run=paused, reason=Run.PauseReason.MANUAL)
    more_messages(paused.pk, queued, timezone.now() - dt.timedelta(days=2))
    more_messages(run.pk, queued, timezone.now() + dt.timedelta(seconds=1))
    # A short queue fits the cache, a long one does not: look at each once before.
    now = timezone.now() + dt.timedelta(minutes=1)
    finds, claims = [], []
    for _n in range(LOOKS):
        begin = time.perf_counter()
        due = run.messages.filter(state="queued", not_before__lte=now).order_by("not_before", "pk")
        assert len(due.values_list("pk")[:20]) == 20
        finds.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        batch = claiming.claim(run_id=run.pk, now=now, most=20)
        assert batch.size == 20
        claims.append(time.perf_counter() - begin)
    total = Message.objects.filter(state="queued").count()
    return {
        "database": connection.vendor, "queued": queued, "rows": total, "find": statistics.median(finds) * 1000,
        "claim": statistics.median(claims) * 1000,
    }  # fmt: skip


def more_messages(run_id: int, number: int, moment: Any) -> None:
    """Queue messages that stand behind those of the run; only their place in the indexes matters, so nobody is invited."""
    from django.db import connection

    from customers import statements

    # Ascending like the portal's own: at random, each would be written into another page of every index.
    begin = f"{run_id:012x}"
    key, series, off, on = (
        (f"('{begin}' || lpad(to_hex(s), 20, '0'))::uuid", f"generate_series(1, {number}) AS s",
         "SET session_replication_role = replica", "SET session_replication_role = DEFAULT")
        if connection.vendor == "postgresql"
        else (f"'{begin}' || printf('%%020x', s.i)",
              f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number}) SELECT i FROM n) AS s",
              "PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON")
    )  # fmt: skip
    from surveys.models import Message
    from surveys.planning import columns_of

    names, expressions, values = columns_of(
        Message,
        {"id": (key, []), "run": ("%s", [run_id]), "invitation": (key, []),
         "not_before": ("%s", [statements.stored(moment)])},
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(off)
        cursor.execute(f"INSERT INTO surveys_message ({names}) SELECT {expressions} FROM {series}", values)
        cursor.execute(on)
        cursor.execute("VACUUM ANALYZE surveys_message" if connection.vendor == "postgresql" else "ANALYZE")


def show(planned: list[dict[str, Any]], claimed: list[dict[str, Any]]) -> None:
    """Print the tables."""
    if planned:
        print(f"\n{'database':10} {'customers':>10} {'mails':>9} {'plan s':>8} {'per s':>8} {'raw s':>8} {'ratio':>6}")
    for each in planned:
        print(
            f"{each['database']:10} {each['customers']:10,} {each['mails']:9,} {each['plan']:8.2f} "
            f"{each['per_second']:8,.0f} {each['raw']:8.2f} {each['ratio']:6.2f}"
        )
    if claimed:
        print(f"\n{'database':10} {'queued':>11} {'find ms':>8} {'claim ms':>9}")
    for each in claimed:
        print(f"{each['database']:10} {each['queued']:11,} {each['find']:8.2f} {each['claim']:9.2f}")


def run(kind: str, what: str, size: int, folder: Path, server: Postgres | None, redis: str) -> dict[str, Any]:
    """Measure one size in a process of its own, over an empty portal."""
    home = folder / f"{kind}-{what}-{size}"
    home.mkdir()
    url = f"sqlite:///{home / 'portal.sqlite3'}" if server is None else server.create_database(f"{what}{size}")
    environment = production.environment(
        database_url=url, directory=home, REDIS_URL=redis, DATABASE_STATEMENT_TIMEOUT="60min"
    )
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    child = [sys.executable, __file__, "--child", what, str(size)]
    done = subprocess.run(child, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", help="customers to plan for")
    parser.add_argument("--queues", type=int, nargs="*", help="mails queued")
    parser.add_argument("--long", action="store_true", help="up to a million customers and ten million mails")
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--json", type=Path, default=Path("planning.json"), help="where to write the figures")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, size = options.child
        print(json.dumps((measure_planning if what == "plan" else measure_claiming)(int(size))))
        return
    sizes, queues = (LONG_SIZES, LONG_QUEUES) if options.long else (SIZES, QUEUES)
    sizes = sizes if options.sizes is None else options.sizes
    queues = queues if options.queues is None else options.queues
    results: dict[str, list[dict[str, Any]]] = {"plan": [], "claim": []}
    redis = Valkey().start()
    server = Postgres(durable=True).start() if "postgres" in options.databases else None
    try:
        with tempfile.TemporaryDirectory(prefix="planning-") as name:
            for kind in options.databases:
                for what, numbers in (("plan", sizes), ("claim", queues)):
                    for size in numbers:
                        own = server if kind == "postgres" else None
                        results[what].append(run(kind, what, size, Path(name), own, redis.url))
                        show(
                            results["plan"][-1:] if what == "plan" else [],
                            results["claim"][-1:] if what == "claim" else [],
                        )
    finally:
        redis.close()
        if server:
            server.close()
    show(results["plan"], results["claim"])
    versions = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "psycopg": psycopg.__version__}
    print(versions, BARS)
    options.json.write_text(json.dumps({"versions": versions, "bars": BARS} | results, indent=2))
    if missed := misses(results):
        sys.exit(f"A bar was missed: {', '.join(missed)}.")


def misses(results: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return the bars that were missed: plans that are too slow, queues whose length is felt."""
    missed = [
        f"planning {it['customers']:,} on {it['database']}"
        for it in results["plan"]
        if it["ratio"] < BARS["plan_of_raw"]
    ]
    for database in {it["database"] for it in results["claim"]}:
        own = sorted((it for it in results["claim"] if it["database"] == database), key=lambda it: it["queued"])
        for what in ("find", "claim"):
            if own[-1][what] > own[0][what] * BARS["growth"]:
                missed.append(f"{what} on {database} grows")
    return missed


if __name__ == "__main__":
    main()

"""A purchases file of the kind that shops really send: good receipts, and between them every way a row can be broken.

`build` writes two files. Import `earlier` first (all good); `broken` then repeats some of its receipts with other contents.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HEADER = b"store,reference,member_number,occurred_at,sku,product,category,quantity,unit_price,discount\n"
TIME = b"2026-03-14T10:30:00"

type Line = tuple[bytes, bool]  # without its line feed, and whether it must be reported


@dataclass
class BrokenFile:
    """What was written. Line numbers are physical, as an editor shows them; the header is line 1."""

    broken: dict[int, str] = field(default_factory=dict)
    """Line number of each broken row, and its kind."""
    held_back: set[int] = field(default_factory=set)
    """Good rows of a receipt that has a broken one: not imported either, and reported as such."""
    good_references: set[str] = field(default_factory=set)
    good_lines: int = 0
    good_total: int = 0


def row(number: int, **changes: bytes) -> bytes:
    """Return one good line, a receipt of its own, with some columns replaced."""
    values = {
        "store": b"main",
        "reference": b"R%d" % number,
        "member_number": b"M%d" % (number % 7),
        "occurred_at": TIME,
        "sku": b"sku-%d" % (number % 50),
        "product": b"Tea, green" if number % 9 == 0 else "绿茶 tea".encode(),
        "category": b"Drinks",
        "quantity": b"%d" % (number % 5 + 1),
        "unit_price": b"%d.%02d" % (number % 30, number % 100),
        "discount": b"",
    }
    values |= changes
    return b",".join(
        b'"' + value + b'"' if b"," in value and value == b"Tea, green" else value for value in values.values()
    )


def alone(**changes: bytes) -> Callable[[int], list[Line]]:
    """Return a kind that is one bad row and nothing else."""
    return lambda number: [(row(number, **changes), True)]


def mixed(**changes: bytes) -> Callable[[int], list[Line]]:
    """Return a kind that is a good row and, on the same receipt, a bad one."""
    return lambda number: [(row(number), False), (row(number, **changes), True)]


def mangled(mangle: Callable[[bytes], bytes]) -> Callable[[int], list[Line]]:
    """Return a kind that breaks the line itself."""
    return lambda number: [(mangle(row(number)), True)]


KINDS: dict[str, Callable[[int], list[Line]]] = {
    "bad UTF-8": alone(product=b"caf\xe9"),
    "cut UTF-8": alone(product="绿茶".encode()[:-1]),
    "UTF-16 surrogate": alone(product=b"\xed\xa0\x80"),
    "NUL": alone(product=b"te\0a"),
    "control character": alone(sku=b"sku\x1b[2J"),
    "lone CR": mangled(lambda line: line.replace(b",Drinks", b"\r,Drinks")),
    "too few columns": mangled(lambda line: line.rpartition(b",")[0]),
    "too many columns": mangled(lambda line: line + b",1"),
    "price with a decimal comma": alone(unit_price=b"1,50"),
    "one column": mangled(lambda line: line.replace(b",", b";")),
    "unclosed quote": alone(product=b'"green tea'),
    "unclosed quote at the end": alone(discount=b'"'),
    "text after a quote": alone(product=b'"green" tea'),
    "two-line field": lambda number: [
        (b",".join(row(number).split(b",")[:5]) + b',"green', True),
        (b'tea",Drinks,1,1.00,', True),
    ],
    "negative quantity": alone(quantity=b"-1"),
    "zero quantity": alone(quantity=b"0"),
    "absurd quantity": alone(quantity=b"10000"),
    "missing quantity": alone(quantity=b""),
    "quantity with a point": alone(quantity=b"1.0"),
    "quantity with underscore": alone(quantity=b"1_000"),
    "quantity with plus": alone(quantity=b"+2"),
    "full-width quantity": alone(quantity="３".encode()),
    "Arabic digits": alone(quantity="٣".encode()),
    "5,000-digit quantity": alone(quantity=b"9" * 5000),
    "exponent": alone(unit_price=b"1e3"),
    "not a number": alone(unit_price=b"NaN"),
    "infinity": alone(unit_price=b"Infinity"),
    "price with three decimals": alone(unit_price=b"1.505"),
    "price with currency": alone(unit_price="€1.50".encode()),
    "negative price": alone(unit_price=b"-1.50"),
    "missing price": alone(unit_price=b""),
    "price without whole part": alone(unit_price=b".50"),
    "absurd price": alone(unit_price=b"99999999999.00"),
    "5,000-digit price": alone(unit_price=b"9" * 5000),
    "full-width price": alone(unit_price="１.50".encode()),
    "thousands separator": alone(unit_price=b'"1,500.00"'),
    "thousands apostrophe": alone(unit_price=b"1'500.00"),
    "price with underscore": alone(unit_price=b"1_5.00"),
    "negative discount": alone(discount=b"-0.10"),
    "discount above the line": alone(quantity=b"1", unit_price=b"2.00", discount=b"2.01"),
    "unknown store": alone(store=b"nowhere"),
    "missing store": alone(store=b""),
    "empty reference": alone(reference=b""),
    "blank reference": alone(reference=b"   "),
    "long reference": alone(reference=b"R" * 65),
    "long member number": alone(member_number=b"M" * 33),
    "missing sku": alone(sku=b""),
    "long sku": alone(sku=b"s" * 65),
    "long product": alone(product=b"p" * 201),
    "200 kB field": alone(product=b"p" * 200_000),
    "day that does not exist": alone(occurred_at=b"2026-02-29T10:00:00"),
    "month that does not exist": alone(occurred_at=b"2026-13-01T10:00:00"),
    "hour that does not exist": alone(occurred_at=b"2026-03-14T25:00:00"),
    "hour the clocks skip": alone(occurred_at=b"2026-03-29T02:30:00"),
    "day only": alone(occurred_at=b"2026-03-14"),
    "day first": alone(occurred_at=b"14.03.2026 10:30"),
    "American date": alone(occurred_at=b"03/14/2026 10:30"),
    "week date": alone(occurred_at=b"2026-W11-6T10:30:00"),
    "full-width date": alone(occurred_at="２０２６-03-14T10:30:00".encode()),
    "future": alone(occurred_at=b"2126-03-14T10:30:00Z"),
    "year 0000": alone(occurred_at=b"0000-03-14T10:30:00Z"),
    "year 1066": alone(occurred_at=b"1066-10-14T10:30:00Z"),
    "offset that does not exist": alone(occurred_at=TIME + b"+25:00"),
    "absurd offset": alone(occurred_at=TIME + b"+23:59"),
    "named time zone": alone(occurred_at=TIME + b" Europe/Berlin"),
    "missing time": alone(occurred_at=b""),
    "two members on one receipt": mixed(member_number=b"M99"),
    "two times on one receipt": mixed(occurred_at=b"2026-03-14T10:31:00"),
    "one bad row of a good receipt": mixed(quantity=b"x"),
}
CONFLICTS: dict[str, dict[str, bytes]] = {
    "receipt again, other price": {"unit_price": b"99.99"},
    "receipt again, other quantity": {"quantity": b"77"},
    "receipt again, other product": {"sku": b"other"},
    "receipt again, other member": {"member_number": b"M98"},
    "receipt again, other time": {"occurred_at": b"2026-03-14T11:30:00"},
}


def build(folder: Path, *, broken: int = 1000, seed: int = 1) -> tuple[Path, Path, BrokenFile]:
    """Write `earlier.csv` and `broken.csv` with that many broken rows (or one more) and return both and what is in the second."""
    chance = random.Random(seed)
    earlier = [row(number) for number in range(1, 201)]
    (folder / "earlier.csv").write_bytes(HEADER + b"\n".join(earlier) + b"\n")
    kinds = [*KINDS, *CONFLICTS]
    lines: list[tuple[bytes, str, str]] = []
    described, number, bad = BrokenFile(), 1000, 0
    while bad < broken:
        number += 1
        kind = kinds[number % len(kinds)]
        group = [(row(chance.randint(1, 200), **CONFLICTS[kind]), True)] if kind in CONFLICTS else KINDS[kind](number)
        lines += [(text, kind if is_bad else "held back", "") for text, is_bad in group]
        bad += sum(is_bad for text, is_bad in group)
        for _ in range(chance.randint(0, 3)):
            number += 1
            lines.append((row(number), "", f"R{number}"))
    content = bytearray(HEADER)
    for line, (text, kind, reference) in enumerate(lines, start=2):
        content += text + (b"\r\n" if chance.random() < 0.2 else b"\n")
        if kind == "held back":
            described.held_back.add(line)
        elif kind:
            described.broken[line] = kind
        else:
            described.good_references.add(reference)
            described.good_lines += 1
            described.good_total += good_total(int(reference[1:]))
    (folder / "broken.csv").write_bytes(content)
    return folder / "earlier.csv", folder / "broken.csv", described


def good_total(number: int) -> int:
    """Return what the good row of a number comes to, in cents."""
    return (number % 5 + 1) * (number % 30 * 100 + number % 100)

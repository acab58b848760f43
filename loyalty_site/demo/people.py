"""The people of the demo shop: invented, with addresses and phone numbers that are reserved for inventions."""

import csv
import datetime as dt
import io
import random
from dataclasses import dataclass
from itertools import product

from customers.customer_rows import COLUMNS
from customers.imports import import_customers
from customers.models import Customer, User
from loyalty_site.roles import ensure_roles

CUSTOMERS = 200

# Key: address, name, language, password. Nobody but DEBUG ever makes these.
STAFF = {
    "owner": ("owner@example.com", "Ada Linden", "", "demo-owner-only"),
    "manager": ("manager@example.com", "Martin Vogt", "", "demo-manager-only"),
    "marketer": ("marketer@example.com", "陈思远", "zh-hans", "demo-marketer-only"),
    "cashier": ("cashier@example.com", "Clara Baum", "", "demo-cashier-only"),
    "auditor": ("auditor@example.com", "Owen Marsh", "", "demo-auditor-only"),
}
# The two to log in as.
ALICE, LIN = "alice@example.com", "linxiao@example.com"


def _words(text: str) -> list[str]:
    return text.split()


ENGLISH = (
    _words(
        "Amelia Oliver Isla Harry Ava Jack Grace Noah Freya Leo Ruby Arthur Evie Oscar Nora Felix Maya Hugo Zoe Theo"
    ),
    _words("Hughes Carter Bennett Foster Murray Hayes Palmer Reid Walsh Shaw Doyle Fletcher Barnes Quinn"),
)
GERMAN = (
    _words("Anna Lukas Marie Jonas Lena Paul Clara Moritz Greta Emil Frieda Anton Ida Karl Helene Jakob Johanna Till"),
    _words(
        "Schneider Fischer Weber Wagner Becker Hoffmann Schäfer Koch Bauer Richter Krüger Vogel Brandt Lorenz Busch"
    ),
)
CHINESE = (
    {"雨桐": "yutong", "子轩": "zixuan", "欣怡": "xinyi", "浩然": "haoran", "诗涵": "shihan", "宇航": "yuhang", "若曦": "ruoxi",
     "俊杰": "junjie", "佳琪": "jiaqi", "明哲": "mingzhe", "思琪": "siqi", "嘉怡": "jiayi", "文博": "wenbo", "晨曦": "chenxi"},
    {"王": "wang", "李": "li", "张": "zhang", "刘": "liu", "陈": "chen", "杨": "yang", "赵": "zhao", "黄": "huang", "周": "zhou",
     "吴": "wu"},
)  # fmt: skip
_ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(slots=True)
class Person:
    """One customer before they are enrolled."""

    name: str
    email: str
    phone: str
    language: str
    birthday: dt.date | None
    enrolled_date: dt.date
    consents: bool
    member_number: str
    customer: Customer | None = None


def hire_staff() -> dict[str, User]:
    """Give the staff their log-ins and roles."""
    groups, staff = ensure_roles(), {}
    for key, (email, name, language, password) in STAFF.items():
        if key == "owner":
            staff[key] = User.objects.create_superuser(email, password, name=name, language=language)
        else:
            staff[key] = User.objects.create_user(email, password, name=name, language=language, is_staff=True)
            staff[key].groups.add(groups[key])
    return staff


def invent(*, rng: random.Random, start: dt.date, today: dt.date) -> list[Person]:
    """Return the customers in the order in which they enrolled, the two to log in as among them."""
    days = (today - start).days
    dates = sorted(start + dt.timedelta(days=int(days * rng.random() ** 1.6)) for _ in range(CUSTOMERS - 2))
    names = _names(rng, len(dates))
    people = [_person(rng, number, day, *name) for number, (day, name) in enumerate(zip(dates, names, strict=True), 3)]
    first, second = start + dt.timedelta(days=5), start + dt.timedelta(days=40)
    alice = Person("Alice Morgan", ALICE, _phone(1), "en", _birthday(today, 1991), first, True, "1000000001")
    lin = Person("林晓", LIN, _phone(2), "zh-hans", _birthday(today, 1994), second, True, "1000000002")
    return sorted([alice, lin, *people], key=lambda person: person.enrolled_date)


def enrol(people: list[Person], *, now: dt.datetime) -> None:
    """Enrol everybody by the import that a real shop would use, and give each person their customer."""
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(COLUMNS)
    for person in people:
        sheet.writerow([
            person.member_number, person.name, person.email, person.phone, person.language, person.birthday or "",
            person.enrolled_date, "yes" if person.consents else "no",
        ])  # fmt: skip
    report = import_customers(file=io.BytesIO(text.getvalue().encode()), source="import:demo.csv", now=now)
    if report.counts["new"] != len(people):
        raise AssertionError(f"only {report.counts['new']} of {len(people)} could be enrolled")
    customers = Customer.objects.in_bulk([person.member_number for person in people], field_name="member_number")
    for person in people:
        person.customer = customers[person.member_number]


def _names(rng: random.Random, count: int) -> list[tuple[str, str, str]]:
    """Return names with the local part of an address and the language, each once."""
    english = [(f"{a} {b}", f"{a}.{b}", "en") for a, b in product(*ENGLISH)]
    german = [(f"{a} {b}", f"{a}.{b}".translate(_ASCII), rng.choice(["en", ""])) for a, b in product(*GERMAN)]
    chinese = [
        (
            family + given,
            f"{CHINESE[1][family]}.{CHINESE[0][given]}",
            rng.choice(["zh-hans", "zh-hans", "zh-hans", "en"]),
        )
        for given, family in product(*CHINESE)
    ]
    shares = ((english, 0.35), (german, 0.3), (chinese, 0.35))
    chosen = [name for names, share in shares for name in rng.sample(names, int(count * share) + 1)][:count]
    rng.shuffle(chosen)
    return chosen


def _person(rng: random.Random, number: int, day: dt.date, name: str, local: str, language: str) -> Person:
    born = dt.date(rng.randint(1955, 2006), rng.randint(1, 12), rng.randint(1, 28))
    return Person(
        name=name,
        email=f"{local.lower()}@example.{rng.choice(['com', 'org'])}" if rng.random() < 0.93 else "",
        phone=_phone(number) if rng.random() < 0.6 else "",
        language=language,
        birthday=born if rng.random() < 0.8 else None,
        enrolled_date=day,
        consents=rng.random() < 0.82,
        member_number=f"10000{number:05}",
    )


def _phone(number: int) -> str:
    """A number that its authority keeps for films: +44 7700 900000 to 900999, +49 30 23125 000 to 999."""
    return f"+44 7700 900{number:03}" if number % 2 else f"+49 30 23125{number:03}"


def _birthday(today: dt.date, year: int) -> dt.date:
    """A birthday in the current month, so that its coupon is at hand."""
    return dt.date(year, today.month, 15)

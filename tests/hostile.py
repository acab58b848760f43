"""Somebody who goes to every page of a demo shop, and whether a page does what a hostile text wants."""

import re
from collections import Counter, deque
from collections.abc import Iterator

import pytest
from django.db import models
from django.test import Client
from django.utils import timezone

from customers import accounts
from customers.models import Customer, Store, User
from loyalty_site.demo import life, people
from loyalty_site.demo.load import load
from tests.payloads import MARK, harm_in_page, harm_in_table, harm_in_workbook

OFFICE = ("/admin/", "/insights/", "/till/", "/mails/")
OWN = ("/", "/points/", "/help/")
FEW = 3  # pages of one shape
# What changes something, leads out, or signs out.
LEFT_OUT = re.compile(r"/(logout|password|2fa|language|static|health|api|mailbox)\b|^/accounts/")


def small_shop() -> None:
    """Fill the database with a demo shop of a few customers; the richest has a log-in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "CUSTOMERS", 36)
        patch.setattr(life, "GUESTS_PER_DAY", 0.3)
        load(seed=2, now=timezone.now())
    accounts.ensure_user(email=richest().identifiers.get(kind="email").value)


def richest() -> Customer:
    """Return who has the most to show: coupons, orders, answers."""
    return (
        Customer.objects.enrolled()
        .filter(identifiers__kind="email")
        .annotate(many=models.Count("coupons"))
        .order_by("-many", "pk")
        .first()
    )


def client_of(who: str) -> Client:
    client = Client(raise_request_exception=False)
    if who == "customer":
        client.force_login(richest().user)
        return client
    client.force_login(User.objects.filter(is_superuser=True).get())
    client.post("/till/station/", {"store": Store.objects.order_by("pk").first().pk, "till": "1"})
    return client


def shape(path: str) -> str:
    return re.sub(r"[0-9a-f-]{32,36}|\d+|(?<=/)[A-Za-z0-9_:-]{16,}(?=/)", "#", path)


def crawl(client: Client, *starts: str, language: str, few: int = FEW) -> Iterator[tuple[str, object]]:
    """Give every page that links lead to, a few of each shape."""
    waiting, seen, shapes = deque(starts), set(starts), Counter()
    while waiting:
        path = waiting.popleft()
        if shapes[shape(path)] >= few:
            continue
        shapes[shape(path)] += 1
        answer = client.get(path, headers={"accept-language": language})
        yield path, answer
        if answer.status_code in (301, 302):
            links = [answer.headers["Location"]]
        elif "html" in answer.headers.get("Content-Type", ""):
            links = re.findall(r'(?:href|hx-get)="(/[^"#?]*)', answer.text)
        else:
            continue
        new = [one for one in links if one.startswith("/") and one not in seen and not LEFT_OUT.search(one)]
        seen.update(new)
        waiting.extend(new)


def harm(answer: object) -> list[str]:
    kind = answer.headers.get("Content-Type", "")
    headers = [name for name, value in answer.headers.items() if MARK in name.lower() or "\n" in value or "\r" in value]
    if "html" in kind:
        return headers + harm_in_page(answer.text)
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if "csv" in kind:
        return headers + harm_in_table(data.decode())
    return headers + (harm_in_workbook(data) if "sheet" in kind else [])

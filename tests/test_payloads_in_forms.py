"""Whatever is typed into the shop's own forms is refused with a sentence or kept and shown as text (threats D10, E6, E9).

The forms of strangers and customers, the till's, and those that add and change a thing of each kind in the admin are filled in as a
browser would and sent with payloads: first in all fields for text, then without those that were refused, last in every field
whether it is for text or not. What was written is taken back each time, so that the next form finds the shop as it was.
"""

import re
import traceback
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from urllib.parse import urljoin

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.signals import got_request_exception
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import looks
from surveys.tests.answering import path as answer_path
from surveys.tests.answering import preferences_path, today, unsubscribe_path
from surveys.tests.factories import create_survey
from tests import leftovers
from tests.hostile import OWN, client_of, crawl, harm, shape, small_shop
from tests.html_forms import TYPED, Field, Form, forms_of
from tests.payloads import MARK, PAYLOADS

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("demo")]
HOSTILE = [*PAYLOADS, f"{MARK}\x00", f"{MARK}\u202e{MARK}", "𠮷" * 30 + MARK]
# What Django needs to take a form for one of its own.
CARRIED = re.compile(
    r"csrfmiddlewaretoken|.*(TOTAL|INITIAL|MIN_NUM|MAX_NUM)_FORMS|_(popup|to_field|source_model)|action|select_across|index"
)
# What says that something is wrong, at a field or above them all.
SENTENCE = re.compile(
    r'errorlist|errornote|invalid-feedback|aria-invalid="true"|role="alert"|class="notice|messagelist|alert-danger'
)
OPEN = ("/join/", "/join/card/", "/accounts/login/code/", "/accounts/login/", "/accounts/password/reset/")
KINDS = ("nps", "csat", "stars", "choice", "multiple", "matrix", "ranking", "date", "number", "text")
KEPT = {"stranger": 2, "customer": 1, "staff": 15}  # so many forms at least take a payload for what it is
NO_WORDS = re.compile(r"[\d\s.,:/+-]*")
NO_TEXT = re.compile(r"v(Date|Time|Integer|BigInteger|ForeignKeyRawId|UUID)")


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    with django_db_blocker.unblock():
        small_shop()
    yield
    with django_db_blocker.unblock():
        leftovers.remove()


@pytest.fixture(autouse=True)
def look() -> Iterator[None]:
    looks.forget()
    yield
    looks.keep(looks.Look(), seconds=10**9)


@pytest.fixture
def failures() -> Iterator[list[str]]:
    """Gather what goes wrong inside a page, with its place."""
    found: list[str] = []

    def note(sender: object, request: object, **_: object) -> None:
        found.append(f"{request.method} {request.path}: {traceback.format_exc(limit=-2)}")

    got_request_exception.connect(note)
    yield found
    got_request_exception.disconnect(note)


class Hand:
    """Fills in forms with payloads and keeps account of what became of them."""

    def __init__(self, client: Client, *, is_outside: bool) -> None:
        self.client, self.is_outside = client, is_outside
        self.payloads = cycle(HOSTILE)
        self.harm: dict[str, list[str]] = {}
        self.silent: set[str] = set()
        self.ends: dict[str, Counter] = {}

    def fill_in(self, page: str, form: Form) -> None:
        """Send a form several times, and take back what that wrote."""
        texts = {each.name for each in form.fields if is_text(each)}
        texts = texts or {each.name for each in form.fields if is_typed(each)}
        answer = self.send(page, form, texts)
        found = [each for form in forms_of(answer.text) for each in form.fields] if is_page(answer) else []
        refused = {each.name for each in found if each.is_wrong}
        if refused & texts and texts - refused:
            self.send(page, form, texts - refused)
        self.send(page, form, {each.name for each in form.fields if self.may_be_wrong(each)}, is_whole=False)

    def send(self, page: str, form: Form, hostile: set[str], *, is_whole: bool = True) -> object:
        """Send it once with payloads in some fields, look at the answer and where it leads, and forget it.

        What a browser sends is whole; a form whose hidden fields are nonsense may just be shown again.
        """
        data, cookies = self.filled(form, hostile), self.client.cookies.copy()
        name = f"{form.method} {shape(urljoin(page, form.action)).partition('?')[0]} {sorted(form.names())[:4]}"
        cache.clear()
        with transaction.atomic():
            send = self.client.post if form.method == "post" else self.client.get
            answer = send(urljoin(page, form.action), data)
            end = "refused"
            if answer.status_code == 302:
                end = "kept"
                if answer.url.startswith("/"):
                    self.look_at(name, self.client.get(answer.url))
            elif answer.status_code not in (200, 400, 422):
                end = str(answer.status_code)
            elif is_whole and form.method == "post" and is_page(answer) and not SENTENCE.search(answer.text):
                self.silent.add(name)
            self.look_at(name, answer)
            transaction.set_rollback(True)
        self.client.cookies = cookies
        self.ends.setdefault(name, Counter())[end] += 1
        return answer

    def may_be_wrong(self, each: Field) -> bool:
        """Whether it is written into by somebody, or by a program of a stranger's; staff have no such programs."""
        return is_typed(each) or (self.is_outside and not CARRIED.fullmatch(each.name))

    def look_at(self, name: str, answer: object) -> None:
        if answer.status_code != 302 and (wrong := harm(answer)):
            self.harm[name] = wrong[:3]

    def filled(self, form: Form, hostile: set[str]) -> dict[str, list[str]]:
        """Return what a browser would send, with a payload in some of the fields."""
        data: dict[str, list[str]] = {}
        for each in form.fields:
            if each.name and each.name in hostile:
                data[each.name] = [self.payload(each)]
            elif each.kind == "submit":
                if each is form.enter() and each.name:
                    data[each.name] = [each.value]
            elif each.kind == "radio":
                if each.is_sent or each.name not in data:
                    data[each.name] = [each.value]
            elif each.is_sent:
                data.setdefault(each.name, []).append(ordinary(each))
        return data

    def payload(self, each: Field) -> str:
        """Return the next payload that fits."""
        return next(
            one for one in self.payloads if each.longest is None or each.longest < 10 or len(one) <= each.longest
        )


def is_page(answer: object) -> bool:
    return "html" in answer.headers.get("Content-Type", "")


def is_typed(each: Field) -> bool:
    """Whether somebody types there, whatever it is."""
    return not CARRIED.fullmatch(each.name) and each.kind in TYPED


def is_text(each: Field) -> bool:
    """Whether somebody may write freely there."""
    fits = is_typed(each) and each.kind in ("text", "search", "textarea")
    return fits and not NO_TEXT.search(each.looks) and not (each.value and NO_WORDS.fullmatch(each.value))


def ordinary(each: Field) -> str:
    """Return what stands there, or something of that kind where something must."""
    if each.value or not each.is_required:
        return each.value
    today = timezone.localdate().isoformat()
    known = {
        "number": "1",
        "date": today,
        "email": "new@example.com",
        "url": "https://example.com/",
        "tel": "+4930123456",
    }
    if each.kind == "select":
        return next((one for one in each.choices if one), "")
    return known.get(each.kind, today if "vDate" in each.looks else "12:00" if "vTime" in each.looks else "1")


def doors_of(who: str) -> tuple[str, ...]:
    """Return where somebody from outside begins: what links lead to, and what comes by mail."""
    if who == "customer":
        return OWN
    invitation = today(survey=create_survey(kinds=KINDS), quick_seconds=0)
    return (*OPEN, answer_path(invitation), preferences_path(invitation), unsubscribe_path(invitation))


def desks() -> Iterator[str]:
    """Give the pages where staff write: the till's, and where something of each kind is added and changed."""
    yield from ("/till/", "/till/enrol/", "/till/sale/", "/till/returns/", "/till/counter/", "/admin/")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_add")
        if (one := model._default_manager.order_by("-pk").first()) is not None:
            yield reverse(f"{name}_change", args=[one.pk])


def hand_through(who: str) -> Hand:
    """Fill in every form that links lead somebody from outside to, and those of the desks of staff."""
    client = Client(raise_request_exception=False) if who == "stranger" else client_of(who)
    hand = Hand(client, is_outside=who != "staff")
    seen: set[tuple] = set()
    if who == "staff":
        pages = ((page, client.get(page)) for page in desks())
    else:
        pages = crawl(client, *doors_of(who), language="en", few=1)
    for page, answer in pages:
        for form in forms_of(answer.text) if is_page(answer) else []:
            key = (shape(urljoin(page, form.action)), form.names())
            if key not in seen and any(map(is_typed, form.fields)):
                seen.add(key)
                hand.fill_in(page, form)
    return hand


@pytest.mark.parametrize("who", ["stranger", "customer", "staff"])
def test_every_form_refuses_with_a_sentence_or_keeps_text(shop, who, failures, caplog):
    hand = hand_through(who)
    assert failures == []
    assert hand.harm == {}
    assert hand.silent == set()
    kept = sorted(name for name, ends in hand.ends.items() if ends["kept"])
    assert len(kept) >= KEPT[who], kept
    assert not [line for line in caplog.messages if MARK in line]

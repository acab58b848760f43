"""Nobody learns from an answer, nor from how long it takes, whether an address is a customer's (threat D4).

Known and unknown addresses take turns, and the medians of what their answers took are compared. In every run the seconds are those of
a clock that counts this thread's work and jumps over pauses; with `--long` they are real ones, of 500 addresses of each kind. A
*control* lets customers wait longer: without the beat the same comparison must see it, with the beat it must not.
"""

import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.db import connections
from django.http import HttpRequest
from django.test import Client

from customers import even_answers
from customers.accounts import AccountAdapter, ensure_user
from customers.tests.factories import create_customer

pytestmark = pytest.mark.django_db(transaction=True)
# Where somebody types an address, and what else they type there.
DOORS = {
    "/join/": {"email": ""},
    "/accounts/login/code/": {"email": ""},
    "/accounts/password/reset/": {"email": ""},
    "/accounts/login/": {"login": "", "password": "correct horse battery"},
}
EVERY_DOOR = pytest.mark.parametrize("door", DOORS)
MOST = 0.10  # of the smaller median
BEAT = 0.25  # in production
_numbers = count(1)


@dataclass(frozen=True)
class Answer:
    """What somebody gets, and after how many seconds."""

    seconds: float
    shown: tuple


class Clock:
    """The work of this thread, and the pauses that nobody has to wait for."""

    def __init__(self) -> None:
        self.paused = 0.0

    def now(self) -> float:
        return time.thread_time() + self.paused

    def pause(self, seconds: float) -> None:
        self.paused += seconds


@pytest.fixture(autouse=True)
def no_limits(settings) -> None:
    """Count no mails: a thousand addresses are asked for from one place."""
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture
def clock(settings, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time without waiting, and with a beat in which the work of the slowest machine ends."""
    settings.EVEN_ANSWER_SECONDS = 1
    clock = Clock()
    monkeypatch.setattr(even_answers, "monotonic", clock.now)
    monkeypatch.setattr(even_answers, "sleep", clock.pause)
    return clock


def leak(seconds: float, *, pause: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let mails to customers and looks at their passwords take longer."""
    send, check = EmailBackend.send_messages, AccountAdapter.pre_authenticate

    def send_slowly(backend: EmailBackend, messages: list) -> int:
        if any(address.startswith("member") for message in messages for address in message.to):
            pause(seconds)
        return send(backend, messages)

    def check_slowly(adapter: AccountAdapter, request: HttpRequest, **credentials: str) -> None:
        if credentials["email"].startswith("member"):
            pause(seconds)
        check(adapter, request, **credentials)

    monkeypatch.setattr(EmailBackend, "send_messages", send_slowly)
    monkeypatch.setattr(AccountAdapter, "pre_authenticate", check_slowly)


def ask(door: str, email: str, now: Callable[[], float]) -> Answer:
    """Type an address at a door, in a browser of its own."""
    client = Client()
    data = {name: value or email for name, value in DOORS[door].items()}
    begin = now()
    answer = client.post(door, data)
    seconds = now() - begin
    page = client.get(answer.url) if answer.status_code == 302 else answer
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"|nonce="[^"]+"', "", page.text).replace(email, "ADDRESS")
    headers = tuple(
        (name, value) for name, value in answer.headers.items() if name not in ("Expires", "Content-Security-Policy")
    )
    return Answer(seconds, (answer.status_code, getattr(answer, "url", ""), *headers, *text.splitlines()))


def ask_in_turns(
    door: str, times: int, *, now: Callable[[], float], hands: int = 1
) -> tuple[list[Answer], list[Answer]]:
    """Ask for that many known and as many unknown addresses; half of the known have signed in before."""
    first = next(_numbers) * 10_000
    numbers = range(first, first + times)
    for number in numbers:
        create_customer(name="K", email=f"member{number}@example.com")
        if number % 2:
            ensure_user(email=f"member{number}@example.com")

    def ask_both(number: int) -> tuple[Answer, Answer]:
        kinds = ("member", "nobody") if number % 4 < 2 else ("nobody", "member")
        both = {kind: ask(door, f"{kind}{number}@example.com", now) for kind in kinds}
        if hands > 1:
            connections.close_all()
        return both["member"], both["nobody"]

    ask(door, "first@example.com", now)  # warms what is cached
    if hands == 1:
        pairs = list(map(ask_both, numbers))
    else:
        with ThreadPoolExecutor(hands) as pool:
            pairs = list(pool.map(ask_both, numbers))
    return [known for known, _ in pairs], [strange for _, strange in pairs]


def difference(known: list[Answer], strange: list[Answer]) -> float:
    """Return by how much the medians of their times differ, as a share of the smaller."""
    medians = [statistics.median(answer.seconds for answer in answers) for answers in (known, strange)]
    return max(medians) / min(medians) - 1


def unlike(*kinds: list[Answer]) -> list[str]:
    """Return what is in some of the answers but not in all of them; empty is what nobody learns from."""
    sets = [{str(each) for each in answer.shown} for answers in kinds for answer in answers]
    return sorted(set.union(*sets) - set.intersection(*sets))


@EVERY_DOOR
def test_known_and_unknown_addresses_get_one_answer_after_the_same_time(door, clock):
    known, strange = ask_in_turns(door, 20, now=clock.now)
    assert unlike(known, strange) == []
    assert difference(known, strange) < MOST


@EVERY_DOOR
def test_without_the_beat_a_leak_is_seen_and_with_it_not(door, clock, settings, monkeypatch):
    leak(0.3, pause=clock.pause, monkeypatch=monkeypatch)
    assert difference(*ask_in_turns(door, 20, now=clock.now)) < MOST
    settings.EVEN_ANSWER_SECONDS = 0
    assert difference(*ask_in_turns(door, 20, now=clock.now)) > 5 * MOST


@pytest.mark.long
@EVERY_DOOR
def test_of_500_known_and_500_unknown_addresses_none_is_told_by_the_time(door, settings, monkeypatch):
    settings.EVEN_ANSWER_SECONDS = 0
    alone = ask_in_turns(door, 20, now=time.perf_counter)
    usual = max(answer.seconds for answers in alone for answer in answers)
    settings.EVEN_ANSWER_SECONDS = max(BEAT, 4 * usual)  # on a busy machine the work must still fit into a beat
    known, strange = ask_in_turns(door, 500, now=time.perf_counter, hands=4)
    assert unlike(known, strange) == []
    assert difference(known, strange) < MOST
    settings.EVEN_ANSWER_SECONDS = 0
    leak(2 * usual, pause=time.sleep, monkeypatch=monkeypatch)
    assert difference(*ask_in_turns(door, 50, now=time.perf_counter)) > 5 * MOST

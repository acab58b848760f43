"""Becoming a member on the web: nothing before the code, the same answer to everybody, and once."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers import even_answers, notices
from customers.models import Consent, Customer, Identifier, Notice, User
from customers.tests.factories import NOON, create_customer, create_user
from customers.tests.test_log_in import REQUEST
from rewards import rules
from rewards.models import EarningRule, PointBalance

pytestmark = pytest.mark.django_db
JOIN, CODE = "/join/", "/join/code/"


def ask(client: Client, email: str = "alice@example.com", **fields) -> str:
    """Fill the form in and return the code that was mailed."""
    assert client.post(JOIN, {"email": email} | fields).url == CODE
    return re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", mail.outbox[-1].body)[0]


def publish_sign_up(points: int = 50) -> None:
    rule = EarningRule.objects.create(
        key="hello", kind="event", event="sign_up", name_en="Welcome", points=points, created_at=NOON
    )
    rules.publish(rule=rule, now=NOON, by=create_user(is_staff=True))


def test_a_stranger_becomes_a_member_with_consents_points_and_a_welcome(client):
    publish_sign_up()
    code = ask(client, name="Alice", birthday="1990-05-04", may_mail_offers="on")
    assert not Customer.objects.exists()
    assert client.post(CODE, {"code": code.lower().replace("-", " ")}).url == "/"
    customer = Customer.objects.get()
    assert client.get("/").context["customer"] == customer
    assert (customer.name, str(customer.birthday), customer.language) == ("Alice", "1990-05-04", "en")
    assert customer.identifiers.get().verified_at is not None
    assert list(customer.consents.values_list("purpose", "is_granted", "wording", "source")) == [
        ("marketing", True, "join-offers:1", "portal:join")
    ]
    assert PointBalance.objects.get(customer=customer).active == 50
    notices.send_due()
    assert Notice.objects.get().kind == "welcome"
    assert customer.member_number in mail.outbox[-1].body
    assert "Welcome" in mail.outbox[-1].subject


def test_silence_is_no_consent(client):
    client.post(CODE, {"code": ask(client)})
    assert not Consent.objects.exists()


def test_the_same_code_makes_nobody_twice(client):
    code = ask(client)
    client.post(CODE, {"code": code})
    client.post("/accounts/logout/")
    assert client.post(CODE, {"code": code}).url == JOIN
    assert Customer.objects.count() == 1


def test_a_member_who_joins_again_is_signed_in_and_nothing_is_changed(client):
    alice = create_customer(name="Alice", email="alice@example.com")
    code = ask(client, name="Eve", birthday="1990-05-04", may_mail_offers="on")
    assert "You are a member already" in mail.outbox[-1].body
    client.post(CODE, {"code": code})
    assert client.get("/").context["customer"] == alice
    alice.refresh_from_db()
    assert (alice.name, alice.birthday, Consent.objects.count(), Customer.objects.count()) == ("Alice", None, 0, 1)


def test_two_browsers_that_join_with_one_address_make_one_member():
    first, second = Client(), Client()
    codes = [ask(first), ask(second)]
    for client, code in zip((first, second), codes, strict=True):
        assert client.post(CODE, {"code": code}).url == "/"
    assert Customer.objects.count() == 1


def test_a_log_in_that_is_switched_off_is_told_so_by_mail_and_stays_off(client):
    create_user(email="alice@example.com", is_active=False)
    client.post(JOIN, {"email": "alice@example.com"})
    assert "switched off" in mail.outbox[-1].body
    assert re.search(r"[A-Z]{4}-[A-Z]{4}", mail.outbox[-1].body) is None


def test_wrong_codes_end_the_attempt_after_three(client):
    code = ask(client)
    answers = [client.post(CODE, {"code": "BBBB-BBBB"}).status_code for _ in range(3)]
    assert answers == [200, 200, 302]
    assert client.post(CODE, {"code": code}).url == JOIN
    assert not Customer.objects.exists()


def test_a_code_lasts_ten_minutes(client):
    code = ask(client)
    session = client.session
    session["mailbox:join"] = session["mailbox:join"] | {"until": 0}
    session.save()
    assert client.post(CODE, {"code": code}).url == JOIN


def test_a_new_code_ends_the_one_before_and_three_are_the_most(client):
    first = ask(client)
    for _ in range(2):
        client.post(CODE, {"resend": "1"})
    assert len(mail.outbox) == 3
    client.post(CODE, {"resend": "1"})
    assert len(mail.outbox) == 3
    assert client.post(CODE, {"code": first}).status_code == 200


def test_what_a_stranger_typed_is_kept_for_an_hour_and_without_the_code(client):
    code = ask(client)
    assert client.session.get_expiry_age() <= 3600
    assert code.replace("-", "") not in str(dict(client.session)).replace("-", "")
    client.post(CODE, {"code": code})
    assert client.session.get_expiry_age() > 3600
    assert Session.objects.count() == 1


@pytest.mark.parametrize("page", [JOIN, REQUEST])
def test_known_and_unknown_addresses_get_the_same_answer_for_the_same_work(page):
    """Twenty of each: equal status, headers and pages, one mail, and the same writes."""
    for n in range(20):
        customer = create_customer(name=f"K{n}", email=f"known{n}@example.com")
        customer.user = create_user(email=f"known{n}@example.com")
        customer.save()
    seen = {"known": set(), "strange": set()}
    for n in range(20):
        for kind in seen:
            cache.clear()
            client, email = Client(), f"{kind}{n}@example.com"
            before = len(mail.outbox)
            with CaptureQueriesContext(connection) as queries:
                asked = client.post(page, {"email": email})
            shown = client.get(asked.url).content.decode()
            shown = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", shown).replace(email, "ADDRESS")
            headers = tuple((k, v) for k, v in asked.headers.items() if k != "Expires")
            writes = sum(q["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for q in queries.captured_queries)
            seen[kind].add((asked.status_code, asked.url, headers, shown, len(mail.outbox) - before, writes))
    assert len(seen["known"]) == 1
    assert seen["known"] == seen["strange"]


def test_answers_leave_at_the_next_step_whatever_was_done(settings, monkeypatch, client):
    settings.EVEN_ANSWER_SECONDS = 0.25
    clock, slept = iter([10.0, 10.03, 20.0, 20.21]), []
    monkeypatch.setattr(even_answers, "monotonic", lambda: next(clock))
    monkeypatch.setattr(even_answers, "sleep", slept.append)
    for page in (JOIN, REQUEST):
        client.post(page, {"email": "alice@example.com"})
    assert slept == [pytest.approx(0.22), pytest.approx(0.04)]


def test_the_mail_is_in_the_language_of_the_page_for_strangers(client):
    client.cookies["django_language"] = "zh-hans"
    client.post(JOIN, {"email": "alice@example.com"})
    assert "验证码" in mail.outbox[-1].body


def test_the_old_address_for_signing_up_leads_here(client):
    assert client.get("/accounts/signup/").url == JOIN
    assert not User.objects.exists()


def test_a_birthday_in_the_future_is_refused(client):
    assert (
        "year of your birthday"
        in client.post(JOIN, {"email": "a@example.com", "birthday": "2999-01-01"}).content.decode()
    )
    assert not Identifier.objects.exists()

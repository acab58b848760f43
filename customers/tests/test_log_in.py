"""Who gets a log-in, and what a stranger can learn from asking."""

import re
import threading

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from customers.accounts import ensure_user
from customers.models import Customer, Identifier, User
from customers.tests.factories import NOON, create_customer, create_user

REQUEST = "/accounts/login/code/"
CONFIRM = "/accounts/login/code/confirm/"


def ask_for_code(client: Client, email: str) -> str:
    """Ask for a code and return the one that was mailed."""
    client.post(REQUEST, {"email": email})
    return re.search(r"\b[A-Z]{4}-[A-Z]{4}\b", mail.outbox[-1].body)[0]


@pytest.mark.django_db
def test_a_customer_on_paper_signs_in_with_a_mailed_code(client):
    customer = create_customer(email="alice@example.com")
    code = ask_for_code(client, "Alice@Example.com")
    response = client.post(CONFIRM, {"code": code.lower().replace("-", " ")})
    assert response.url == "/"
    customer.refresh_from_db()
    assert client.get("/").context["customer"] == customer
    assert EmailAddress.objects.get(user=customer.user).verified
    assert customer.identifiers.get().verified_at is not None


@pytest.mark.django_db
def test_a_wrong_code_is_refused_and_the_third_ends_the_attempt(client):
    create_customer(email="alice@example.com")
    code = ask_for_code(client, "alice@example.com")
    for _ in range(3):
        client.post(CONFIRM, {"code": "BBBB-BBBB"})
    client.post(CONFIRM, {"code": code})
    assert client.get("/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "This is not the code that we mailed. Please look again."),
        ("zh-hans", "这不是我们发送的验证码，请再核对一下。"),
    ],
)
def test_a_wrong_code_and_a_right_one_speak_in_our_words(client, language, sentence):
    create_customer(email="alice@example.com")
    code = ask_for_code(client, "alice@example.com")
    client.cookies["django_language"] = language
    assert sentence in client.post(CONFIRM, {"code": "BBBB-BBBB"}).content.decode()
    home = client.post(CONFIRM, {"code": code}, follow=True).content.decode()
    assert 'href="/points/"' in home
    assert "alice@example.com" not in home, "an address that was confirmed by signing in needs no message"


@pytest.mark.django_db
def test_known_and_unknown_addresses_get_the_same_answer():
    create_customer(email="alice@example.com")
    answers = []
    for email in ("alice@example.com", "nobody@example.com"):
        client = Client()
        asked = client.post(REQUEST, {"email": email})
        page = client.get(asked.url).content.decode()
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page).replace(email, "ADDRESS")
        wrong = client.post(CONFIRM, {"code": "BBBB-BBBB"})
        answers.append(
            (
                asked.status_code,
                asked.url,
                {name: value for name, value in asked.headers.items() if name != "Expires"},
                page,
                wrong.status_code,
            )
        )
    assert answers[0] == answers[1]
    assert [message.to for message in mail.outbox] == [["alice@example.com"], ["nobody@example.com"]]


@pytest.mark.django_db
def test_asking_again_makes_no_second_log_in():
    create_customer(email="alice@example.com")
    first = ensure_user(email="alice@example.com")
    assert ensure_user(email=" ALICE@example.com ") == first
    assert User.objects.count() == 1
    assert not first.has_usable_password()


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_make_one_log_in():
    create_customer(email="alice@example.com")
    barrier, made = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        try:
            made.append(ensure_user(email="alice@example.com").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1


@pytest.mark.django_db
def test_a_changed_address_opens_the_same_log_in_and_the_old_one_no_longer_does():
    customer = create_customer(email="old@example.com")
    user = ensure_user(email="old@example.com")
    customer.identifiers.update(value="new@example.com", normalised="new@example.com")
    assert ensure_user(email="old@example.com") is None
    assert ensure_user(email="new@example.com") == user
    user.refresh_from_db()
    assert user.email == "new@example.com"
    assert list(EmailAddress.objects.values_list("email", flat=True)) == ["new@example.com"]


@pytest.mark.django_db
def test_a_second_address_of_a_customer_opens_the_same_log_in():
    customer = create_customer(email="one@example.com")
    Identifier.objects.create(customer=customer, kind="email", value="two@example.com", normalised="two@example.com")
    assert ensure_user(email="one@example.com") == ensure_user(email="two@example.com")
    assert User.objects.get().email == "one@example.com"


@pytest.mark.django_db
def test_an_erased_customer_cannot_come_back_in(client):
    create_customer(email="alice@example.com")
    ensure_user(email="alice@example.com")
    Customer.objects.update(erased_at=NOON)
    assert ensure_user(email="alice@example.com") is None


@pytest.mark.django_db
def test_a_log_in_that_is_switched_off_gets_no_code(client):
    create_customer(email="alice@example.com")
    ensure_user(email="alice@example.com")
    User.objects.update(is_active=False)
    client.post(REQUEST, {"email": "alice@example.com"})
    assert "no log-in for this address" in mail.outbox[-1].body


@pytest.mark.django_db
def test_staff_with_a_card_have_one_log_in_for_both():
    staff = create_user(email="bob@shop.example", is_staff=True)
    customer = create_customer(name="Bob", email="bob@shop.example")
    assert ensure_user(email="bob@shop.example") == staff
    customer.refresh_from_db()
    assert customer.user == staff


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "words"), [("en", "Your code to sign in"), ("zh-hans", "您的登录验证码")])
def test_the_mail_is_in_the_language_of_the_person_not_of_the_page(client, language, words):
    create_customer(email="alice@example.com", language=language)
    ask_for_code(client, "alice@example.com")
    message = mail.outbox[-1]
    html, kind = message.alternatives[0]
    assert words in message.body
    assert words in html
    assert kind == "text/html"


@pytest.mark.django_db
def test_staff_sign_in_with_their_password(client):
    create_user(email="carol@shop.example", password="correct horse battery", is_staff=True)
    response = client.post("/accounts/login/", {"login": "carol@shop.example", "password": "correct horse battery"})
    assert response.status_code == 302
    assert client.get("/").url == "/admin/"


@pytest.mark.django_db
def test_a_password_link_is_mailed_to_staff_only(client):
    create_user(email="carol@shop.example", password="correct horse battery", is_staff=True)
    create_customer(email="alice@example.com")
    ensure_user(email="alice@example.com")
    answers = [
        client.post("/accounts/password/reset/", {"email": f"{name}"})
        for name in ("carol@shop.example", "alice@example.com")
    ]
    assert [answer.url for answer in answers] == [reverse("account_reset_password_done")] * 2
    assert ["/password/reset/key/" in message.body for message in mail.outbox] == [True, False]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/email/", "/accounts/password/set/", "/accounts/password/change/"])
def test_customers_have_no_password_and_no_address_book(client, path):
    create_customer(email="alice@example.com")
    client.force_login(ensure_user(email="alice@example.com"))
    assert client.get(path).status_code == 404


@pytest.mark.django_db
def test_pages_of_a_signed_in_person_stay_out_of_caches_and_vary_by_language(client):
    anonymous = client.get(REQUEST)
    assert {"Cookie", "Accept-Language"} <= {part.strip() for part in anonymous["Vary"].split(",")}
    create_customer(email="alice@example.com")
    client.force_login(ensure_user(email="alice@example.com"))
    assert "no-store" in client.get("/")["Cache-Control"]


@pytest.mark.django_db
def test_the_sign_in_page_of_staff_leads_once_to_a_new_password(client):
    assert client.get("/accounts/login/").text.count('href="/accounts/password/reset/"') == 1

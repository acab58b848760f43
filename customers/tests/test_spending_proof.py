"""A copied card collects and never spends; a code on the phone spends once within a minute; digits are not guessed."""

import datetime as dt
import re
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connection, transaction

from customers import mailed_codes, member_codes, notices, spending_proof, till_pins
from customers.models import Customer, Identifier, MailedCode, Notice, SpendingProof, TillPin, User
from customers.proof_refusals import ProofRefused, Reason
from customers.tests.factories import NOON, create_customer, create_user
from customers.till_pins import WeakPin

PIN = "280461"
SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)
UNKNOWN = uuid.uuid4()


@pytest.fixture
def cashier(db: None) -> User:
    """Somebody at a till."""
    return create_user(is_staff=True)


@pytest.fixture
def alice(db: None) -> Customer:
    """Alice, with an address."""
    return create_customer(name="Alice", email="alice@x.example", member_number="4711004711")


def prove(customer: Customer, by: User, *, kind: str = "code", secret: str = "", now: dt.datetime = NOON, **more):
    secret = secret or member_codes.make(customer=customer, now=NOON)
    return spending_proof.prove(customer=customer, kind=kind, secret=secret, by=by, now=now, **more)


def refused(work, *arguments, **named) -> Reason:
    with pytest.raises(ProofRefused) as error:
        work(*arguments, **named)
    assert str(error.value).startswith(str(error.value.reason.label))
    return error.value.reason


# The code on the phone


@pytest.mark.parametrize("spelling", ["4711004711", " 4711004711 ", "777", "alice@x.example"])
@pytest.mark.parametrize("kind", ["code"])
def test_the_static_code_never_spends(alice, cashier, spelling, kind):
    Identifier.objects.create(customer=alice, kind="card", value="777", normalised="777")
    assert refused(prove, alice, cashier, kind=kind, secret=spelling) == Reason.STATIC_CODE
    assert not SpendingProof.objects.exists()


def test_a_fresh_code_spends_once(alice, cashier):
    code = member_codes.make(customer=alice, now=NOON)
    proof = prove(alice, cashier, secret=code)
    assert (proof.kind, proof.customer, proof.by) == ("code", alice, cashier)
    assert refused(prove, alice, cashier, secret=code) == Reason.CODE_USED
    assert refused(prove, alice, create_user(), secret=code) == Reason.CODE_USED
    assert SpendingProof.objects.get() == proof


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (-6 * SECOND, Reason.CODE_OLD),
        (-5 * SECOND, None),
        (0 * SECOND, None),
        (59 * SECOND, None),
        (60 * SECOND, Reason.CODE_OLD),
        (dt.timedelta(days=1), Reason.CODE_OLD),
    ],
)
def test_a_fresh_code_spends_within_60_seconds_by_clocks_that_differ_by_5(alice, cashier, age, reason):
    if reason:
        assert refused(prove, alice, cashier, now=NOON + age) == reason
    else:
        prove(alice, cashier, now=NOON + age)


def test_nobody_spends_with_the_code_of_another(alice, cashier):
    bob = create_customer(name="Bob")
    assert refused(prove, alice, cashier, secret=member_codes.make(customer=bob, now=NOON)) == Reason.OTHER_CUSTOMER


def test_changing_any_digit_of_a_code_makes_it_nobodys(alice, cashier):
    code = member_codes.make(customer=alice, now=NOON)
    assert len(code) == 48
    for place in range(48):
        other = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
        assert member_codes.read(other) is None
        assert refused(prove, alice, cashier, secret=other) == Reason.CODE_UNKNOWN


@pytest.mark.parametrize("text", ["", "1" * 47, "1" * 49, "x" * 48, "１" * 48, "0" * 48, "-" + "1" * 47])
def test_other_texts_are_no_codes(text):
    assert member_codes.read(text) is None


def test_a_code_outlives_a_change_of_the_secret_key(alice, settings):
    code = member_codes.make(customer=alice, now=NOON)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    assert member_codes.read(code).customer_id == alice.pk
    settings.SECRET_KEY_FALLBACKS = []
    assert member_codes.read(code) is None


def test_two_codes_of_the_same_second_differ(alice):
    assert member_codes.make(customer=alice, now=NOON) != member_codes.make(customer=alice, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_of_16_tills_that_show_one_code_at_once_one_wins():
    alice, cashier = create_customer(), create_user()
    code = member_codes.make(customer=alice, now=NOON)

    def show(_number: int) -> str:
        try:
            return prove(alice, cashier, secret=code).kind
        except ProofRefused as error:
            return error.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(show, range(16))) == {"code": 1, "code_used": 15}


# Using a proof


def use(proof: SpendingProof | None, customer: Customer, by: User, *, source: str = "till:1", now: dt.datetime = NOON):
    pk = proof.pk if proof else UNKNOWN
    return spending_proof.use(proof_id=pk, customer=customer, by=by, source=source, now=now)


def test_a_proof_lets_one_spending_through_and_its_repetition(alice, cashier):
    proof = prove(alice, cashier)
    assert use(proof, alice, cashier).used_for == "till:1"
    assert use(proof, alice, cashier, now=NOON + 30 * MINUTE) == proof
    assert refused(use, proof, alice, cashier, source="till:2") == Reason.PROOF_USED


def test_a_proof_is_for_one_customer_one_clerk_and_ten_minutes(alice, cashier):
    proof = prove(alice, cashier)
    assert refused(use, proof, create_customer(), cashier) == Reason.PROOF_MISSING
    assert refused(use, proof, alice, create_user()) == Reason.PROOF_MISSING
    assert refused(use, None, alice, cashier) == Reason.PROOF_MISSING
    assert refused(use, proof, alice, cashier, now=NOON + 10 * MINUTE) == Reason.PROOF_OLD
    assert use(proof, alice, cashier, now=NOON + 10 * MINUTE - SECOND)


def test_a_spending_that_fails_leaves_the_proof(alice, cashier):
    proof = prove(alice, cashier)

    def spend_in_vain() -> None:
        with transaction.atomic():
            use(proof, alice, cashier)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spend_in_vain()
    assert use(proof, alice, cashier, source="till:2")


def test_a_repeated_request_gets_the_same_proof(alice, cashier):
    code = member_codes.make(customer=alice, now=NOON)
    first = prove(alice, cashier, secret=code, request_key="a")
    assert prove(alice, cashier, secret=code, request_key="a") == first
    assert refused(prove, alice, cashier, secret=code, request_key="b") == Reason.CODE_USED
    assert refused(prove, alice, create_user(), secret=code, request_key="a") == Reason.OTHER_CUSTOMER


# The till PIN


def test_the_pin_spends_and_its_digits_are_kept_nowhere(alice, cashier):
    assert refused(prove, alice, cashier, kind="pin", secret=PIN) == Reason.PIN_MISSING
    chosen = till_pins.choose(customer=alice, pin=PIN, now=NOON)
    assert PIN not in chosen.digest
    assert chosen.digest.startswith("argon2")
    assert prove(alice, cashier, kind="pin", secret="280 461").kind == "pin"
    assert refused(prove, create_customer(), cashier, kind="pin", secret=PIN) == Reason.PIN_MISSING


def test_five_wrong_tries_lock_the_pin_for_half_an_hour_and_tell_the_customer(alice, cashier):
    till_pins.choose(customer=alice, pin=PIN, now=NOON)
    reasons = [refused(prove, alice, cashier, kind="pin", secret="999991") for _n in range(5)]
    assert reasons == [Reason.PIN_WRONG] * 4 + [Reason.PIN_LOCKED]
    assert refused(prove, alice, cashier, kind="pin", secret=PIN, now=NOON + 29 * MINUTE) == Reason.PIN_LOCKED
    assert prove(alice, cashier, kind="pin", secret=PIN, now=NOON + 30 * MINUTE)
    assert list(Notice.objects.order_by("kind").values_list("kind", flat=True)) == ["till_pin_locked", "till_pin_set"]
    assert TillPin.objects.get().tries == 0


def test_a_right_pin_forgets_the_wrong_ones(alice, cashier):
    till_pins.choose(customer=alice, pin=PIN, now=NOON)
    for _round in range(3):
        for _n in range(4):
            assert refused(prove, alice, cashier, kind="pin", secret="999991") == Reason.PIN_WRONG
        assert prove(alice, cashier, kind="pin", secret=PIN)


def test_the_till_says_how_many_tries_are_left(alice, cashier):
    till_pins.choose(customer=alice, pin=PIN, now=NOON)
    with pytest.raises(ProofRefused, match=r"wrong\. Tries left: 4\."):
        prove(alice, cashier, kind="pin", secret="999991")


def test_a_new_pin_does_not_open_a_lock(alice, cashier):
    till_pins.choose(customer=alice, pin=PIN, now=NOON)
    for _n in range(5):
        refused(prove, alice, cashier, kind="pin", secret="999991")
    till_pins.choose(customer=alice, pin="280462", now=NOON)
    assert refused(prove, alice, cashier, kind="pin", secret="280462") == Reason.PIN_LOCKED


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "111111", "121212", "123456", "654321", "890123", "123123", "170590", "900517", "471100"])  # fmt: skip
def test_an_easy_pin_is_refused(alice, pin):
    alice.birthday = dt.date(1990, 5, 17)
    with pytest.raises(WeakPin):
        till_pins.choose(customer=alice, pin=pin, now=NOON)
    assert not TillPin.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_20_guesses_at_once_five_are_looked_at(monkeypatch):
    alice, cashier, looked_at = create_customer(), create_user(), []
    till_pins.choose(customer=alice, pin=PIN, now=NOON)
    monkeypatch.setattr(till_pins, "check_password", lambda pin, digest: looked_at.append(pin))

    def guess(number: int) -> str:
        try:
            return refused(prove, alice, cashier, kind="pin", secret=f"{number:06}")
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = Counter(pool.map(guess, range(20)))
    assert len(looked_at) == 5
    assert answers == {"pin_wrong": 4, "pin_locked": 16}


# The mailed code


def mailed_code() -> str:
    return re.search(r"\b\d{6}\b", mail.outbox[-1].body)[0]


def test_a_mailed_code_spends_once(alice, cashier, mailoutbox):
    mailed_codes.send(customer=alice, now=NOON)
    assert mailoutbox[0].to == ["alice@x.example"]
    assert mailed_code() in mailoutbox[0].subject
    assert mailed_code() not in MailedCode.objects.get().digest
    assert prove(alice, cashier, kind="mail", secret=mailed_code()).kind == "mail"
    assert refused(prove, alice, cashier, kind="mail", secret=mailed_code()) == Reason.NO_MAILED_CODE


def test_a_mailed_code_has_three_tries_and_five_minutes(alice, cashier, mailoutbox):
    mailed_codes.send(customer=alice, now=NOON)
    wrong = f"{(int(mailed_code()) + 1) % 10**6:06}"
    assert (
        refused(prove, alice, cashier, kind="mail", secret=mailed_code(), now=NOON + 5 * MINUTE)
        == Reason.NO_MAILED_CODE
    )
    reasons = [refused(prove, alice, cashier, kind="mail", secret=wrong) for _n in range(4)]
    assert reasons == [Reason.MAILED_CODE_WRONG] * 3 + [Reason.NO_MAILED_CODE]
    assert refused(prove, alice, cashier, kind="mail", secret=mailed_code()) == Reason.NO_MAILED_CODE


def test_a_new_mailed_code_ends_the_one_before_and_there_are_three_an_hour(alice, cashier, mailoutbox):
    codes = []
    for minute in range(3):
        mailed_codes.send(customer=alice, now=NOON + minute * MINUTE)
        codes.append(mailed_code())
    later = NOON + 3 * MINUTE
    assert refused(mailed_codes.send, customer=alice, now=later) == Reason.TOO_MANY_MAILS
    if codes[0] != codes[2]:
        assert refused(prove, alice, cashier, kind="mail", secret=codes[0], now=later) == Reason.MAILED_CODE_WRONG
    assert prove(alice, cashier, kind="mail", secret=codes[2], now=later)
    assert mailed_codes.send(customer=alice, now=NOON + 61 * MINUTE)


def test_without_an_address_or_a_code_nothing_is_mailed_or_proved(cashier, mailoutbox):
    bob = create_customer(name="Bob")
    assert refused(mailed_codes.send, customer=bob, now=NOON) == Reason.NO_ADDRESS
    assert refused(prove, bob, cashier, kind="mail", secret="123456") == Reason.NO_MAILED_CODE
    assert mailoutbox == []


def test_a_mail_server_that_fails_is_said_and_the_log_holds_no_code(alice, monkeypatch, caplog):
    def fail(self: mail.EmailMultiAlternatives) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", fail)
    assert refused(mailed_codes.send, customer=alice, now=NOON) == Reason.MAIL_NOT_SENT
    assert not re.search(r"alice@|\b\d{6}\b", caplog.text)


def test_the_mail_is_written_in_the_customers_language(alice, mailoutbox):
    alice.language = "zh-hans"
    alice.save()
    mailed_codes.send(customer=alice, now=NOON)
    assert "收银台" in mailoutbox[0].subject


def test_little_of_an_address_is_shown():
    assert mailed_codes.masked("alice@x.example") == "a…@x.example"


# Held after a change of address


def test_while_spending_is_held_nothing_proves(alice, cashier):
    proof = prove(alice, cashier)
    till_pins.choose(customer=alice, pin=PIN, now=NOON)
    Customer.objects.filter(pk=alice.pk).update(spending_held_until=NOON + 72 * 60 * MINUTE)
    for kind, secret in (("code", ""), ("pin", PIN), ("mail", "123456")):
        assert refused(prove, alice, cashier, kind=kind, secret=secret) == Reason.HELD
    assert refused(use, proof, alice, cashier) == Reason.HELD
    assert prove(alice, cashier, kind="pin", secret=PIN, now=NOON + 72 * 60 * MINUTE)


def test_who_was_erased_spends_nothing(alice, cashier):
    code = member_codes.make(customer=alice, now=NOON)
    Customer.objects.filter(pk=alice.pk).update(erased_at=NOON)
    assert refused(prove, alice, cashier, secret=code) == Reason.OTHER_CUSTOMER


@pytest.mark.parametrize("kind", ["till_pin_set", "till_pin_removed", "till_pin_locked"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_each_notice_of_the_pin_is_written_in_both_languages(alice, mailoutbox, kind, language):
    alice.language = language
    alice.save()
    notices.queue([notices.Letter(alice.pk, kind, "test", {})], now=NOON)
    assert notices.send_due(now=NOON) == 1
    letter = mailoutbox[0]
    assert ("收银密码" if language == "zh-hans" else "till PIN") in letter.subject
    assert "/profile/pin/" in letter.body

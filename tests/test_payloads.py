"""Whatever is written into the shop, by customers, staff or other systems, is shown as it is and does nothing (threat D10, E6, E9).

A demo shop has a payload in every text that somebody may write; then every page that links lead to is read, in both languages.
"""

import email
import re
from collections.abc import Iterator
from contextlib import suppress
from email import policy

import pytest
from django.core import mail
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from customers import looks, notices, privacy, staff_mail
from customers.models import Notice
from surveys.models import Question
from tests import leftovers
from tests.hostile import OFFICE, OWN, client_of, crawl, harm, small_shop
from tests.payloads import (
    FORMULAS,
    MARK,
    PAYLOADS,
    harm_in_mail,
    harm_in_page,
    harm_in_table,
)

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("demo")]
# Names of fields that no person writes: keys, codes and words of closed lists.
NOT_WRITTEN = re.compile(
    r"(.*_)?(key|code|token|source|kind|state|language|zone|mac|digest|tail|slug|uid|normalised|folded|client|public_id|currency|"
    r"esp|country|mailer|provider_id|queue|prefix|agent|period|format|trigger|metric|segment|scopes|type|email|password|"
    r"member_number|icon|colour|fingerprint|wording|place|role|network|codename|model|app_label|session_key|session_data|"
    r"account|value|audience|channel|email_hash|object_id|query|url|link|basis|transfer|rhythm|window|used_for|code_tail|data|method|text_code)$"
)
SHORTEST = 20  # characters; what is shorter holds no payload


def fields() -> Iterator[models.Field]:
    """Give every text field that somebody may write."""
    for model in privacy.all_models():
        if model._meta.app_label not in ("customers", "rewards", "surveys") or model._meta.auto_created:
            continue
        for each in model._meta.concrete_fields:
            is_text = isinstance(each, models.CharField | models.TextField) and not each.choices
            is_short = each.max_length is not None and each.max_length < SHORTEST
            if is_text and not is_short and not each.primary_key and not NOT_WRITTEN.fullmatch(each.name):
                yield each


def poison() -> None:
    """Write a payload into every such field of every row, as many different ones as there are rows."""
    for number, each in enumerate(fields()):
        rows = models.QuerySet(each.model)
        fitting = [one for one in PAYLOADS if each.max_length is None or len(one) <= each.max_length - 5]
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[: 2 * len(PAYLOADS)])
        for count, key in enumerate(keys):
            text = fitting[(count + number) % len(fitting)] + (f" {count}" if is_unique(each) else "")
            # Where a rule of the database says what may stand there, nobody writes freely.
            with suppress(IntegrityError), transaction.atomic():
                rows.filter(pk=key).update(**{each.name: text})
    for number, question in enumerate(Question.objects.exclude(choices_en=[])):
        wanted = [PAYLOADS[(5 * number + place) % len(PAYLOADS)] for place in range(len(question.choices_en))]
        Question.objects.filter(pk=question.pk).update(choices_en=wanted, choices_zh=wanted)


def is_unique(each: models.Field) -> bool:
    constraints = (one for one in each.model._meta.constraints if isinstance(one, models.UniqueConstraint))
    return each.unique or any(each.name in one.fields for one in constraints)


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    with django_db_blocker.unblock():
        small_shop()
        with leftovers._unguarded(), transaction.atomic():
            poison()
    yield
    with django_db_blocker.unblock():
        leftovers.remove()


@pytest.fixture(autouse=True)
def look() -> Iterator[None]:
    looks.forget()
    yield
    looks.keep(looks.Look(), seconds=10**9)


@pytest.mark.parametrize(("who", "starts", "language"), [
    ("customer", OWN, "en"), ("customer", OWN, "zh-hans"), ("staff", OFFICE, "zh-hans"),
    pytest.param("staff", OFFICE, "en", marks=pytest.mark.long),
])  # fmt: skip
def test_every_page_shows_it_and_does_nothing(shop, who, starts, language, caplog):
    found, shown, failed = {}, 0, []
    for path, answer in crawl(client_of(who), *starts, language=language):
        if answer.status_code >= 500:
            failed.append(path)
        if wrong := harm(answer):
            found[path] = wrong[:3]
        shown += "html" in answer.headers.get("Content-Type", "") and MARK in answer.text
    assert failed == []
    assert found == {}
    assert shown > (10 if who == "customer" else 60)
    assert not [line for line in caplog.messages if MARK in line]


def test_mails_carry_it_and_do_nothing(shop, caplog):
    now = timezone.now()
    newest = dict(Notice.objects.order_by("queued_at", "pk").values_list("kind", "pk"))
    again = {"state": "queued", "not_before": now, "finished_at": None}
    Notice.objects.filter(pk__in=newest.values()).update(**again)
    notices.send_due(now=now)
    staff_mail.send_due(now=now)
    sent = [email.message_from_bytes(one.message().as_bytes(), policy=policy.default) for one in mail.outbox]
    assert len(sent) > 3
    assert [wrong for one in sent for wrong in harm_in_mail(one)] == []
    assert any(MARK in str(one) for one in sent)
    assert not [line for line in caplog.messages if MARK in line]


class TestTheWatchSees:
    """The test itself: what is not made harmless is found."""

    @pytest.mark.parametrize("payload", [
        "<script>cnry()</script>", "<img src=x onerror=cnry()>", "<cnry>", '<a href="javascript:cnry()">x</a>', "<!--cnry-->", "198cnry",
        "<p style='color:cnry'>", "<base href=//cnry.example>",
    ])  # fmt: skip
    def test_a_page(self, payload):
        assert harm_in_page(f"<p>{payload}</p>")

    @pytest.mark.parametrize("payload", FORMULAS)
    def test_a_table(self, payload):
        assert harm_in_table(f'"{payload}",1\n')
        assert not harm_in_table(f'"\'{payload}",1\n')

    def test_a_mail(self):
        assert harm_in_mail(email.message_from_string("To: a@b.c\nBcc: cnry@d.e\n\nx", policy=policy.default)) == [
            "Bcc"
        ]

    def test_there_are_sixty_of_them(self):
        assert len(set(PAYLOADS)) >= 60
        assert all(MARK in one for one in PAYLOADS)

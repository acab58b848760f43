"""Rules for countries: marks in the subject and words at the end, for those whose time zone lies there and nobody else."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from surveys import mailing, policies
from surveys.models import MailPolicy
from surveys.tests.factories import NOW, create_asker, create_run

pytestmark = pytest.mark.django_db
FOOTER = "回复本邮件即可联系我们。"


@pytest.mark.parametrize(
    ("zone", "country"),
    [("Asia/Shanghai", "CN"), ("Asia/Urumqi", "CN"), ("Europe/Berlin", "DE"), ("UTC", ""), ("Etc/UTC", ""), ("x", "")],
)
def test_a_time_zone_lies_in_a_country(zone, country):
    assert policies.country_of(zone) == country


def text_of(sink, email: str) -> tuple[str, str, str]:
    [mail] = sink.to(email)
    plain, page = (mail.get_body(kind).get_content() for kind in (["plain"], ["html"]))
    return mail["Subject"], plain, page


def test_each_country_gets_its_own_words(sink):
    MailPolicy.objects.create(country="CN", subject_prefix="（广告）", footer_en="Reply to reach us.", footer_zh=FOOTER)
    MailPolicy.objects.create(country="FR", subject_prefix="PUB")
    for name, zone, language in (
        ("lin", "Asia/Shanghai", "zh-hans"), ("alice", "Asia/Shanghai", "en"), ("bob", "Europe/Berlin", "en"),
    ):  # fmt: skip
        create_asker(email=f"{name}@shop.example", time_zone=zone, language=language)
    create_run(hour_from=0, hour_until=24, per_claim=20)
    mailing.send_due(clock=lambda: NOW)
    subject, plain, page = text_of(sink, "lin@shop.example")
    assert subject == "（广告） 您满意吗？"
    assert FOOTER in plain
    assert FOOTER in page
    subject, plain, _page = text_of(sink, "alice@shop.example")
    assert subject == "（广告） How was it?"
    assert "Reply to reach us." in plain
    subject, plain, page = text_of(sink, "bob@shop.example")
    assert subject == "How was it?"
    assert "Reply to reach us." not in plain + page


def test_words_of_staff_are_data(sink):
    MailPolicy.objects.create(country="DE", footer_en="<script>x</script> {name}\r\nBcc: a@b.example")
    create_asker(email="bob@shop.example", time_zone="Europe/Berlin")
    create_run()
    mailing.send_due(clock=lambda: NOW)
    [mail] = sink.to("bob@shop.example")
    assert mail["Bcc"] is None
    assert "<script>x" not in mail.get_body(["html"]).get_content()
    assert "<script>x</script> {name}" in mail.get_body(["plain"]).get_content()


@pytest.mark.parametrize("country", ["cn", "C", "CHN", "C1", ""])
def test_a_country_is_two_capital_letters_and_has_one_rule(country):
    with pytest.raises(ValidationError):
        MailPolicy(country=country).full_clean()
    MailPolicy.objects.create(country="CN")
    with pytest.raises(IntegrityError), transaction.atomic():
        MailPolicy.objects.create(country="CN")


def test_without_rules_no_mail_costs_a_question_more(sink, django_assert_num_queries):
    from surveys.letters import Letters

    create_asker()
    run = create_run()
    message = run.messages.select_related("invitation", "wording").get()
    letters = Letters()
    letters.write(run=run, message=message)
    with django_assert_num_queries(0):
        letters.write(run=run, message=message)

"""The mail as a mailbox gets it, read by the standard parser."""

import datetime as dt
import html
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.core.mail import mailers
from django.db import connections
from django.test import Client, override_settings
from django.utils import timezone

from customers.models import Consent
from rewards.models import PointTransaction
from surveys import letters, links, mailing, oddities
from surveys.mime import PersonalMail
from surveys.models import Message, Response, Run, Suppression
from surveys.tests.answering import ORIGIN, answers, path
from surveys.tests.factories import NOW, create_asker, create_run, create_survey

pytestmark = pytest.mark.django_db

EVIL = "Eve\r\nBcc: everybody@shop.example\r\n\r\n<script>alert(1)</script> {campaign.by.password} %(x)s \u202e\x00"


def send(sink, *, email: str = "alice@shop.example", **fields):
    """Send a run and return the mail of one recipient, with its message."""
    run = create_run(**fields)
    mailing.send_due(clock=lambda: NOW)
    [mail] = sink.to(email)
    return mail, run.messages.get(invitation__email=email)


def part(mail, kind: str) -> str:
    return mail.get_body((kind,)).get_content()


def test_the_mail_has_every_header_that_a_bulk_mail_needs(sink):
    create_asker(email="alice@shop.example")
    mail, message = send(sink)
    unsubscribe = links.unsubscribe_url(message.invitation_id)
    assert mail["To"] == "alice@shop.example"
    assert mail["From"] == "Loyalty <hello@shop.example>"
    assert mail["Message-ID"] == f"<{message.pk}@shop.example>"
    assert mail["X-Survey-Message"] == str(message.pk)
    assert mail["List-Unsubscribe"] == f"<{unsubscribe}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "<surveys.localhost>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime is not None
    assert mail.defects == []
    assert [str(part.get_content_type()) for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert len(bytes(mail)) < 100_000


def test_both_parts_say_what_where_and_why_and_how_to_end_it(sink):
    create_asker(email="alice@shop.example")
    mail, message = send(sink, points=50)
    for kind in ("plain", "html"):
        text = part(mail, kind)
        assert links.answer_url(message.invitation_id) in text
        assert links.unsubscribe_url(message.invitation_id) in text
        assert "1 Market Street, 10115 Berlin" in text
        assert "because you agreed to surveys" in text
        assert "50 points" in text
        assert "Alice" in text
    assert "zz" not in re.sub(r"/[su]/[\w-]+/", "", part(mail, "plain"))  # no mark was left over


def test_a_rating_is_one_link_for_each_number(sink):
    create_asker(email="alice@shop.example")
    mail, message = send(sink)
    url = links.answer_url(message.invitation_id)
    assert re.findall(rf'href="{url}\?a=(\d+)"', part(mail, "html")) == [str(number) for number in range(11)]


def test_a_link_that_no_person_sees_gives_a_scanner_away(sink, client):
    create_asker(email="alice@shop.example")
    mail, message = send(sink)
    [(address, dress, words)] = re.findall(r'<a href="([^"]+\?h=)" ([^>]*)>(.*?)</a>', part(mail, "html"))
    assert (dress, words) == ('style="display:none" tabindex="-1" aria-hidden="true"', "")
    assert "?h=" not in part(mail, "plain")
    run = message.run
    Run.objects.filter(pk=run.pk).update(closes_at=timezone.now() + dt.timedelta(days=1))
    parts = urlsplit(address)
    assert client.get(f"{parts.path}?{parts.query}").status_code == 200
    assert oddities.of_visits(invitation=message.invitation, has_script=True) == [oddities.TRAP]


@pytest.mark.django_db(transaction=True)
def test_a_scanner_that_opens_every_link_of_a_mail_at_once_decides_nothing(sink):
    create_asker(email="alice@shop.example")
    mail, message = send(sink, points=5)
    Run.objects.filter(pk=message.run_id).update(closes_at=timezone.now() + dt.timedelta(days=1))
    found = {
        html.unescape(link) for link in re.findall(r'https?://[^\s"<>]+', part(mail, "plain") + part(mail, "html"))
    }
    assert {links.answer_url(message.invitation_id), links.unsubscribe_url(message.invitation_id)} < found
    assert len(found) > 12
    presses = [(method, link) for link in found for method in ("GET", "HEAD")] * 2

    def press(one: tuple[str, str]) -> int:
        try:
            return Client().generic(one[0], one[1].removeprefix(ORIGIN)).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(press, presses)) == {200}
    assert Response.objects.count() == Suppression.objects.count() == PointTransaction.objects.count() == 0
    assert not Consent.objects.filter(is_granted=False).exists()
    answer = Client().post(path(message.invitation), answers(message.invitation, "9"))
    assert answer.status_code == 200
    assert Response.objects.completed().count() == 1


def test_an_anonymous_survey_notes_no_link_so_its_mail_has_no_trap(sink):
    create_asker(email="alice@shop.example")
    mail, _message = send(sink, survey=create_survey(anonymity="anonymous"))
    assert "?h=" not in part(mail, "html")


def test_a_question_in_words_is_no_row_of_links(sink):
    create_asker(email="alice@shop.example")
    mail, _message = send(sink, survey=create_survey(kinds=("text",)))
    assert "?a=" not in part(mail, "html")


def test_a_chinese_customer_gets_a_chinese_mail(sink):
    create_asker(email="li@shop.example", name="李雷", language="zh-hans")
    mail, _message = send(sink, email="li@shop.example", body_en="Hello {name}", body_zh="{name}您好！")
    assert mail["Subject"] == "您满意吗？"
    assert "李雷您好！" in part(mail, "plain")
    assert '<html lang="zh-hans">' in part(mail, "html")
    assert "问题1" in part(mail, "html")
    assert mail.defects == []


@pytest.mark.parametrize(
    "name", [EVIL, "O'Hara & <Söhne>", "李雷", "", "x" * 150, "{name}", "=?utf-8?q?E=0D=0ABcc:_x?="]
)
def test_a_name_is_only_ever_a_name(sink, name):
    create_asker(email="alice@shop.example", name=name.replace("\x00", ""))
    mail, _message = send(sink, subject_en="{name}, how was it?", body_en="Hello {name},\n\n{campaign} {0} %s")
    shown = letters.clean(name) or "dear customer"
    assert mail["Subject"] == f"{shown}, how was it?"
    assert mail["Bcc"] is None
    assert mail["X-Recipients"] == "alice@shop.example"
    assert f"Hello {shown}," in part(mail, "plain")
    assert "{campaign} {0} %s" in part(mail, "plain")
    assert "<script>" not in part(mail, "html")
    assert mail.defects == []


def test_a_long_text_survives_the_wire_unchanged():
    text = "".join(f"{number}. Ünïcode, =equals= and a trailing space \n" + "x" * 200 + "\n.\n" for number in range(50))
    for body in (text, text * 2 + "中文" * 4000):
        mail = PersonalMail("Subject", body, "Shop <hello@shop.example>", ["alice@shop.example"])
        mail.attach_alternative(f"<p>{body}</p>", "text/html")
        read = mail.message()
        plain, page = (read.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
        assert plain == body + ("" if body.endswith("\n") else "\n")
        assert page.strip() == f"<p>{body}</p>"
        assert max(len(line) for line in mail._raw().split(b"\r\n")) <= 78
        assert b"\n" not in mail._raw().replace(b"\r\n", b"")


def test_a_header_with_a_line_break_is_refused():
    mail = PersonalMail("Subject", "text", "hello@shop.example", ["a@shop.example"], headers={"X-Bad": "a\nBcc: b"})
    mail.attach_alternative("<p></p>", "text/html")
    with pytest.raises(ValueError, match="X-Bad"):
        mail.message()


def test_another_attempt_carries_the_same_message_id(sink):
    create_asker(email="drop-after-dot@shop.example")
    run = create_run()
    mailing.send_due(clock=lambda: NOW)
    Message.objects.update(state="queued", claim=None, lease_until=None, not_before=NOW)  # as "send again" does
    mailing.send_due(clock=lambda: NOW)
    assert len({mail["Message-ID"] for mail in sink.messages}) == 1
    assert len(sink.messages) == 2
    assert Run.objects.get() == run


def test_a_provider_gets_the_parts_and_the_message_as_metadata():
    create_asker(email="alice@shop.example", name="Alice")
    run = create_run()
    with override_settings(MAILERS={"surveys": {"BACKEND": "anymail.backends.test.EmailBackend"}}):
        mail = letters.Letters().write(run=run, message=run.messages.get()).as_email()
        assert mailers["surveys"].send_messages([mail]) == 1
        mailing.send_due(clock=lambda: NOW)
    assert mail.metadata == {"survey_message": str(run.messages.get().pk)}
    message = run.messages.get()
    assert (message.state, message.error) == (Message.State.ACCEPTED, "")
    assert message.provider_id


def test_the_test_mail_says_so_and_leads_to_the_preview():
    run = create_run()
    mail = letters.test_mail(
        campaign=run.campaign, version=run.version, email="staff@shop.example", language="en", url="https://p.example/"
    ).message()
    assert mail["Subject"] == "Test: How was it?"
    assert "https://p.example/?a=9" in part(mail, "html")
    assert mail["X-Survey-Message"] is None

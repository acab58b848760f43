"""Every mail can be looked at in both languages, and none is forgotten."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.test import Client
from django.urls import reverse

from customers.tests.factories import NOON, create_user
from loyalty_site import mail_samples
from loyalty_site.mail_samples import ELSEWHERE, NothingToShow
from loyalty_site.roles import ensure_roles
from rewards.models import CouponPlan
from rewards.tests.coupon_factories import create_batch, issue_coupon

pytestmark = pytest.mark.django_db
FOLDERS = {path.name for path in (Path(settings.BASE_DIR) / "templates/emails").iterdir() if path.is_dir()}
OF_ROWS = {"coupon_issued", "surprise"}


@pytest.fixture
def loud():
    """Let a value that a mail misses shout."""
    engine = engines["django"].engine
    before, engine.string_if_invalid = engine.string_if_invalid, "MISSING(%s)"
    yield
    engine.string_if_invalid = before


def test_no_mail_is_forgotten():
    assert mail_samples.kinds().keys() | ELSEWHERE == FOLDERS


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", sorted(FOLDERS - ELSEWHERE - OF_ROWS))
def test_each_mail_is_whole_in_both_languages(kind: str, language: str, loud: None):
    written = mail_samples.write(kind=kind, language=language)
    for part in (written.subject, written.text, written.html):
        assert part.strip()
        assert "MISSING" not in part
        assert "None" not in part
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in written.text)
    assert (chinese > 10) == (language == "zh-hans")
    assert "\n" not in written.subject
    assert not re.search(r"^Hello .*,\n\n[a-z]", written.text)  # it begins the mail of somebody without a name
    assert not re.search(r"\b[A-Z][a-z]{2,8}\.? \d+, \d{4}", written.text + written.subject)  # days are 31 Dec 2026
    assert "。 " not in written.text


def test_a_mail_about_a_row_says_when_there_is_none():
    for kind in OF_ROWS:
        with pytest.raises(NothingToShow):
            mail_samples.write(kind=kind, language="en")
    batch = create_batch()
    issue_coupon(batch=batch)
    plan = CouponPlan.objects.create(
        batch=batch,
        requested_by=create_user(is_staff=True),
        requested_at=NOON,
        subject_en="A coffee for you",
        message_en="Enjoy.",
    )
    with pytest.raises(NothingToShow):  # an offer without a mail has no words for one
        mail_samples.write(kind="coupon_issued", language="en")
    CouponPlan.objects.filter(pk=plan.pk).update(has_mail=True, audience="list")
    assert mail_samples.write(kind="coupon_issued", language="en").subject == "A coffee for you"


def test_staff_read_them_and_nobody_else(client: Client):
    marketer = create_user(is_staff=True)
    marketer.groups.add(ensure_roles()["marketer"])
    client.force_login(marketer)
    assert "Receipt" in client.get(reverse("mails")).content.decode()
    page = client.get(reverse("mail_sample", args=["receipt", "zh-hans"]))
    assert "馥芮白" in page.content.decode()
    frame = client.get(reverse("mail_sample_html", args=["receipt", "en"]))
    assert "sandbox" in frame["Content-Security-Policy"]
    assert "Nothing to show yet" in client.get(reverse("mail_sample", args=["surprise", "en"])).content.decode()
    for arguments in (["nonsense", "en"], ["receipt", "fr"], ["survey_invitation", "en"]):
        assert client.get(reverse("mail_sample", args=arguments)).status_code == 404
    cashier = create_user(is_staff=True)
    cashier.groups.add(ensure_roles()["cashier"])
    client.force_login(cashier)
    assert client.get(reverse("mails")).status_code == 403

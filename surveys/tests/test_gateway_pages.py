"""Gateways and campaigns by text message, as staff work with them, and where answers to messages are counted."""

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from customers.tests.factories import create_customer
from surveys import pace, reach, responses, suppression
from surveys.admin.campaign_pages import audience_words
from surveys.funnels import funnel
from surveys.models import Campaign, Gateway, MailAccount, Response, Suppression
from surveys.scopes import Scope
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run, create_survey
from surveys.tests.test_gateways import agree, create_texter, gateway_of, number_of, provider, send  # noqa: F401
from surveys.tests.test_results_pages import log_in, office  # noqa: F401

pytestmark = pytest.mark.django_db
SECRET = "abcdef123456"
ELKS = f"elks://u1234567:{SECRET}@SHOP"


def test_staff_keep_an_account_that_is_never_shown_again(office):  # noqa: F811
    add = reverse("admin:surveys_gateway_add")
    data = {"name": "Texts", "is_active": "on"}
    assert "twilio://" in office.post(add, data | {"url": "json://localhost"}).text
    assert "A gateway needs an account." in office.post(add, data | {"url": ""}).text
    assert office.post(add, data | {"url": ELKS}).status_code == 302
    gateway = Gateway.objects.get()
    page = office.get(reverse("admin:surveys_gateway_change", args=[gateway.pk])).text
    assert SECRET not in page
    sealed = bytes(gateway.sealed_url)
    change = reverse("admin:surveys_gateway_change", args=[gateway.pk])
    assert office.post(change, {"name": "Texts 2", "url": ""}).status_code == 302
    gateway.refresh_from_db()
    assert (gateway.name, gateway.is_active, bytes(gateway.sealed_url)) == ("Texts 2", False, sealed)
    assert "46elks" in office.get(reverse("admin:surveys_gateway_changelist")).text


def test_a_gateway_has_a_pace_of_its_own_beside_that_of_the_mails(office):  # noqa: F811
    office.post(reverse("admin:surveys_gateway_add"), {"name": "Texts", "is_active": "on", "url": ELKS})
    office.post(reverse("admin:surveys_mailaccount_add"), {"most_per_second": "9"})
    account = MailAccount.objects.get(mailer=pace.mailer_of(Gateway.objects.get().pk))
    page = office.get(reverse("admin:surveys_mailaccount_changelist")).text
    assert "Texts" in page
    assert "gateway:" not in page
    change = reverse("admin:surveys_mailaccount_change", args=[account.pk])
    assert office.post(change, {"most_per_second": "3"}).status_code == 302
    assert pace.per_second(now=NOW, mailer=account.mailer) == 3
    assert pace.per_second(now=NOW) == 9


def test_only_managers_keep_accounts():
    assert log_in("view_campaign").get(reverse("admin:surveys_gateway_changelist")).status_code == 403


def test_a_campaign_by_message_needs_no_subject_and_one_by_mail_does(office):  # noqa: F811
    gateway, campaign = gateway_of(), create_campaign(subject_en="", subject_zh="")
    url = reverse("admin:surveys_campaign_change", args=[campaign.pk])
    form = office.get(url).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value is not None}
    data |= {"scheduled_at_0": "2026-03-10", "scheduled_at_1": "12:00", "sample": "100", "thanks_holdout": "0"}
    assert "An e-mail needs a subject." in office.post(url, data).text
    assert "300 characters at most" in office.post(url, data | {"gateway": gateway.pk, "body_en": "x" * 301}).text
    assert office.post(url, data | {"gateway": gateway.pk, "body_en": "How was it, {name}?"}).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.gateway, campaign.body_en) == (gateway, "How was it, {name}?")


def test_the_review_shows_the_message_in_both_languages_and_who_would_get_none(office):  # noqa: F811
    create_texter(1)
    create_asker()
    campaign = create_campaign(gateway=gateway_of(), scheduled_at=timezone.now(), body_zh="您满意吗？")
    page = office.get(reverse("admin:surveys_campaign_review", args=[campaign.pk])).text
    assert "Messages, as things stand now" in page
    assert "您满意吗？" in page
    assert "No usable address" in page
    Gateway.objects.update(is_active=False)
    page = office.get(reverse("admin:surveys_campaign_review", args=[campaign.pk])).text
    assert "Choose a message gateway that is in use." in page


def test_the_audience_is_counted_by_the_way_it_is_asked(office):  # noqa: F811
    create_texter(1)
    create_asker()
    create_asker()
    gateway = gateway_of()
    assert "2 agreed to surveys by e-mail" in audience_words(Campaign(segment="everyone"))
    counted = office.get(
        reverse("admin:surveys_campaign_audience"), {"segment": "everyone", "store": "", "gateway": gateway.pk}
    )
    assert "1 agreed to surveys by text message" in counted.json()["text"]


def test_only_the_texts_of_a_message_can_be_changed_under_way(office):  # noqa: F811
    campaign = create_campaign(gateway=gateway_of(), state="scheduled")
    url = reverse("admin:surveys_campaign_texts", args=[campaign.pk])
    assert list(office.get(url).context["form"].fields) == ["body_en", "body_zh"]
    assert "300 characters at most" in office.post(url, {"body_en": "x" * 301, "body_zh": ""}).text
    assert office.post(url, {"body_en": "How was it?", "body_zh": ""}).status_code == 302


def test_a_test_message_goes_to_the_number_that_staff_write_and_is_in_no_ledger(office, provider):  # noqa: F811
    campaign = create_campaign(gateway=gateway_of(), body_en="How was it, {name}?")
    url = reverse("admin:surveys_campaign_trial", args=[campaign.pk])
    assert "mobile number" in office.post(url, {"number": "+49 30 1234567"}).text
    assert office.post(url, {"number": "+49 1512 3456701"}).status_code == 302
    [(number, text)] = provider.taken
    response = Response.objects.get()
    assert (number, response.is_test) == (number_of(1), True)
    assert text.startswith("Test: How was it, Alex Example?\n")
    assert mail.outbox == []
    provider.ways[number_of(1)] = "refused"
    said = office.post(url, {"number": number_of(1)}, follow=True).text
    assert "did not take the test" in said
    assert number_of(1)[1:] not in said
    assert log_in("view_campaign").get(url).status_code == 403


def test_a_campaign_by_mail_has_no_page_for_a_test_message(office):  # noqa: F811
    assert office.get(reverse("admin:surveys_campaign_trial", args=[create_campaign().pk])).status_code == 404


def test_numbers_are_suppressed_by_hand_and_found_again(office):  # noqa: F811
    add, listed = reverse("admin:surveys_suppression_add"), reverse("admin:surveys_suppression_changelist")
    assert "Write an e-mail address" in office.post(add, {"email": "nonsense", "scope": "all"}).text
    assert "valid email" in office.post(add, {"email": "a@b", "scope": "all"}).text
    assert office.post(add, {"email": "+49 1512 3456701", "scope": "all"}).status_code == 302
    row = Suppression.objects.get()
    assert row.email_hash == suppression.email_hash(number_of(1))
    assert row.email_hash[:8] in office.get(listed, {"q": "+49 (1512) 3456701"}).text
    assert row.email_hash[:8] not in office.get(listed, {"q": "a@shop.example"}).text


def test_why_somebody_got_no_message(provider):  # noqa: F811
    got, none = create_texter(1), create_customer()
    agree(none)
    run = create_run(gateway=gateway_of())
    send()
    assert "accepted" in reach.explain(campaign=run.campaign, text=number_of(1), now=NOW).findings[0].why
    found = reach.explain(campaign=run.campaign, text=none.member_number, now=NOW)
    assert "no usable address" in found.findings[0].why
    assert got != none


def test_mails_and_messages_are_counted_apart(provider, sink):  # noqa: F811
    survey = create_survey()
    create_texter(1)
    texted = create_run(survey=survey, gateway=gateway_of())
    mailed = [create_asker() for _number in range(2)]
    create_run(survey=survey)
    send()
    invitation = texted.invitations.get(skip="")
    question = texted.version.questions.order_by("position").first()
    responses.complete(invitation=invitation, values={question: 9}, language="en", now=NOW)
    by_message, by_mail = (funnel(scope=Scope(survey=survey, channel=channel)) for channel in ("notifier", "email"))
    assert (by_message.accepted, by_message.completed, by_mail.accepted, by_mail.completed) == (1, 1, len(mailed), 0)
    assert Scope(survey=survey, channel="notifier").responses().count() == 1

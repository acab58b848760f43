"""How somebody wishes to be asked: a GET changes nothing, a bare POST ends survey mails, buttons do the rest."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from customers.models import Consent
from customers.tests.factories import NOON, consent
from surveys import claiming, links, preferences, responses
from surveys.models import Message, Suppression, SurveyPreference
from surveys.tests.answering import preferences_path, today, unsubscribe_path
from surveys.tests.factories import create_asker, create_run, invite

pytestmark = pytest.mark.django_db


def state() -> tuple[int, int, int]:
    return Consent.objects.count(), Suppression.objects.count(), SurveyPreference.objects.count()


def test_looking_changes_nothing(client):
    invitation = today()
    before = state()
    for address in (unsubscribe_path(invitation), preferences_path(invitation)):
        for method in (client.get, client.head):
            page = method(address, {"do": "all"})
            assert page.status_code == 200
            assert page["Cache-Control"] == "no-store"
            assert page["Referrer-Policy"] == "no-referrer"
            assert "noindex" in page["X-Robots-Tag"]
    assert state() == before


@pytest.mark.parametrize("body", [{"List-Unsubscribe": "One-Click"}, {}])
def test_a_bare_post_ends_survey_mails_at_once_and_saying_it_again_changes_nothing(body):
    invitation = today()
    client = Client(enforce_csrf_checks=True)
    for _twice in range(2):
        done = client.post(unsubscribe_path(invitation), body)
        assert done.status_code == 200
        assert client.cookies == {}
    assert Consent.objects.filter(purpose="surveys", is_granted=False).count() == Suppression.objects.count() == 1


def test_the_other_link_does_only_what_a_button_says(client):
    invitation = today()
    before = state()
    assert client.post(preferences_path(invitation), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert client.post(preferences_path(invitation), {"do": "nonsense"}).status_code == 200
    assert state() == before
    assert "You get no more survey mails" in client.post(preferences_path(invitation), {"do": "surveys"}).text
    assert Suppression.objects.count() == 1


def test_no_more_of_this_campaign_leaves_the_others(client):
    invitation, other = today(), today()
    assert "You get no more mails of this survey." in client.post(preferences_path(invitation), {"do": "campaign"}).text
    client.post(preferences_path(invitation), {"do": "campaign"})
    ids = [invitation.customer_id, other.customer_id]
    assert preferences.unwilling(campaign=invitation.run.campaign, customer_ids=ids, now=NOON) == {
        invitation.customer_id: "unsubscribed"
    }
    assert preferences.unwilling(campaign=other.run.campaign, customer_ids=ids, now=NOON) == {}
    assert Suppression.objects.count() == 0


def test_a_pause_lasts_ninety_days_and_can_be_ended(client):
    invitation = today()

    def unwilling(days: int) -> dict:
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        return preferences.unwilling(
            campaign=invitation.run.campaign, customer_ids=[invitation.customer_id], now=moment
        )

    assert "You get no survey until" in client.post(preferences_path(invitation), {"do": "pause"}).text
    assert unwilling(89) == {invitation.customer_id: "paused"}
    assert unwilling(91) == {}
    assert "End the pause" in client.get(preferences_path(invitation)).text
    client.post(preferences_path(invitation), {"do": "resume"})
    assert unwilling(0) == {}


def test_reminders_are_switched_off_and_on(client):
    invitation = today()
    ids = [invitation.customer_id]
    client.post(preferences_path(invitation), {"do": "quiet"})
    assert preferences.without_reminders(customer_ids=ids) == {invitation.customer_id}
    assert "Remind me again" in client.get(preferences_path(invitation)).text
    client.post(preferences_path(invitation), {"do": "remind"})
    assert preferences.without_reminders(customer_ids=ids) == set()


def test_neither_surveys_nor_offers_withdraws_both_consents(client):
    invitation = today()
    consent(invitation.customer, purpose="marketing")
    for _twice in range(2):
        page = client.post(preferences_path(invitation), {"do": "all"})
    assert "neither surveys nor offers" in page.text
    withdrawn = Consent.objects.filter(customer=invitation.customer, is_granted=False)
    assert sorted(withdrawn.values_list("purpose", flat=True)) == ["marketing", "surveys"]


def test_the_language_is_chosen_for_all_mails_to_come(client):
    invitation = today()
    page = client.post(preferences_path(invitation), {"do": "zh-hans"})
    assert '<html lang="zh-hans">' in page.text
    invitation.customer.refresh_from_db()
    assert invitation.customer.language == "zh-hans"
    with pytest.raises(ValueError, match="is none of"):
        preferences.choose_language(invitation=invitation, language="de")


def test_the_wish_of_a_merged_customer_goes_with_them(client):
    invitation, kept = today(), create_asker()
    invitation.customer.merged_into = kept
    invitation.customer.save()
    client.post(preferences_path(invitation), {"do": "quiet"})
    assert preferences.without_reminders(customer_ids=[kept.pk]) == {kept.pk}


@pytest.mark.parametrize("purpose", [p for p in links.Purpose if p != links.Purpose.PREFERENCES])
def test_no_other_link_opens_the_page(client, purpose):
    token = links.token(purpose=purpose, invitation_id=today().pk)
    assert client.get(f"/p/{token}/").status_code == 404


def test_the_database_keeps_one_wish_of_a_kind(client):
    invitation = today()
    client.post(preferences_path(invitation), {"do": "quiet"})
    for bad in ({}, {"is_left_out": True}, {"campaign": invitation.run.campaign, "has_no_reminders": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SurveyPreference.objects.create(customer=invitation.customer, **bad)


# What a wish does to mails


def queued(kind: str = "invite"):
    """Invite somebody at noon; for a reminder the first mail has left."""
    invitation = invite(now=NOON)
    if kind == "reminder":
        invitation.messages.update(state="accepted", finished_at=NOON)
        Message.objects.create(run=invitation.run, invitation=invitation, kind=kind, not_before=NOON)
    return invitation, invitation.messages.get(kind=kind)


@pytest.mark.parametrize(
    ("kind", "wish", "state"),
    [
        ("invite", "campaign", "skipped"),
        ("invite", "pause", "skipped"),
        ("invite", "quiet", "claimed"),
        ("invite", "decline", "claimed"),
        ("reminder", "campaign", "skipped"),
        ("reminder", "pause", "skipped"),
        ("reminder", "quiet", "skipped"),
        ("reminder", "decline", "skipped"),
        ("reminder", "", "claimed"),
    ],
)
def test_a_wish_made_while_a_mail_waits_is_kept(kind, wish, state):
    invitation, message = queued(kind)
    match wish:
        case "campaign":
            preferences.leave_out(invitation=invitation, now=NOON)
        case "pause":
            preferences.pause(invitation=invitation, now=NOON)
        case "quiet":
            preferences.remind(invitation=invitation, is_wanted=False, now=NOON)
        case "decline":
            responses.decline(invitation=invitation, language="en", now=NOON)
    claiming.claim(run_id=invitation.run_id, now=NOON)
    message.refresh_from_db()
    assert message.state == state
    invitation.refresh_from_db()
    # Who gets no reminder may still answer the first mail.
    assert responses.is_open(invitation=invitation, now=NOON) == (kind == "reminder" or state != "skipped")


def test_who_wants_a_pause_is_skipped_with_the_reason():
    invitation, _message = queued()
    preferences.pause(invitation=invitation, now=NOON)
    later = create_run(now=NOON + dt.timedelta(days=60), name="Next")
    assert later.invitations.get(customer=invitation.customer).skip == "paused"

"""Personal links: forged ones open nothing, and each purpose opens only its own."""

import base64
import random
import uuid

import pytest
from django.test import override_settings

from surveys import links
from surveys.links import Purpose

INVITATION = uuid.UUID("8c8e8d9a-1f43-4f86-9c8b-8cb0b1a3a1d5")


def test_a_token_is_short_and_leads_back_to_its_invitation():
    for purpose in Purpose:
        token = links.token(purpose=purpose, invitation_id=INVITATION)
        assert len(token) == 47
        assert links.read(token, purpose=purpose) == INVITATION


def test_a_token_opens_nothing_but_its_purpose():
    token = links.token(purpose=Purpose.UNSUBSCRIBE, invitation_id=INVITATION)
    assert links.read(token, purpose=Purpose.ANSWER) is None


def test_ten_thousand_tampered_tokens_open_nothing():
    chance = random.Random(7)
    token = links.token(purpose=Purpose.ANSWER, invitation_id=INVITATION)
    raw = base64.urlsafe_b64decode(token + "=")
    accepted = 0
    for _try in range(10_000):
        forged = bytearray(raw)
        for _bit in range(chance.randint(1, 3)):
            forged[chance.randrange(len(forged))] ^= 1 << chance.randrange(8)
        if bytes(forged) != raw:
            text = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
            accepted += links.read(text, purpose=Purpose.ANSWER) is not None
    assert accepted == 0


def test_every_single_character_counts():
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = links.token(purpose=Purpose.ANSWER, invitation_id=INVITATION)
    for place, char in enumerate(token):
        for other in alphabet.replace(char, ""):
            assert links.read(token[:place] + other + token[place + 1 :], purpose=Purpose.ANSWER) is None


@pytest.mark.parametrize("text", ["", "a", "ä" * 47, "A" * 46, "A" * 47, "A" * 48, "=" * 47, "A" * 10_000, "\x00" * 47])
def test_nonsense_is_no_token(text):
    assert links.read(text, purpose=Purpose.ANSWER) is None


def test_links_outlive_a_change_of_the_secret_that_keeps_the_old_one_as_fallback():
    with override_settings(SECRET_KEY="old" * 20):
        token = links.token(purpose=Purpose.UNSUBSCRIBE, invitation_id=INVITATION)
    with override_settings(SECRET_KEY="new" * 20, SECRET_KEY_FALLBACKS=["old" * 20]):
        assert links.read(token, purpose=Purpose.UNSUBSCRIBE) == INVITATION
        assert links.token(purpose=Purpose.UNSUBSCRIBE, invitation_id=INVITATION) != token
    with override_settings(SECRET_KEY="new" * 20):
        assert links.read(token, purpose=Purpose.UNSUBSCRIBE) is None

"""The nightly proof reaches the people who watch over the books."""

import pytest
from django.contrib.auth.models import Group
from django.core import mail

from rewards import tasks
from rewards.models import BookProof
from rewards.tests.factories import award, create_customer, create_user

pytestmark = pytest.mark.django_db


def test_managers_and_auditors_get_the_digest_in_their_language():
    award(create_customer(), 100)
    for email, role, language in (
        ("mara@example.com", "manager", "en"),
        ("an@example.com", "auditor", "zh-hans"),
        ("carl@example.com", "cashier", "en"),
    ):
        user = create_user(email=email, is_staff=True, language=language)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    tasks.prove_books()
    found = BookProof.objects.get()
    assert [message.to for message in mail.outbox] == [["mara@example.com"], ["an@example.com"]]
    assert all(
        found.digest in message.body and found.digest in message.alternatives[0].content for message in mail.outbox
    )
    assert "the books balance" in mail.outbox[0].subject
    assert mail.outbox[0].subject != mail.outbox[1].subject

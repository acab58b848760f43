"""The next mails are found by one index, however many are queued: the plan says so, since a stopwatch would not be fair."""

import re

import pytest
from django.db import connection

from surveys.models import Message
from surveys.tests.factories import NOW, create_asker, create_run

pytestmark = pytest.mark.django_db


def test_the_next_mails_of_a_run_come_in_order_from_one_index():
    for _number in range(3):
        create_asker()
    run = create_run()
    due = run.messages.filter(state=Message.State.QUEUED, not_before__lte=NOW).order_by("not_before", "pk")[:20]
    if connection.vendor == "postgresql":
        # Of three rows it would read the table; what counts is the plan without that.
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    plan = due.explain()
    assert "message_of_run_to_send" in plan
    assert not re.search(r"TEMP B-TREE|Sort", plan), plan

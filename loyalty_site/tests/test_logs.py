"""What a log line must not hold."""

import logging
import sys
import uuid

import pytest

from customers import opt_out
from loyalty_site.logs import Scrubbed
from surveys import links
from tests.watched_logs import Watch

TOKEN = links.token(purpose=links.Purpose.ANSWER, invitation_id=uuid.UUID(int=7))


def written(message: str, *args: object) -> str:
    """Return what the portal's own handler writes of a message with a traceback."""
    own = [one for one in logging.getLogger().handlers if not isinstance(one, Watch)]
    [handler] = [one for one in own if isinstance(one.formatter, Scrubbed)]
    try:
        raise ValueError(message % args)
    except ValueError:
        record = logging.LogRecord("django.request", logging.WARNING, "", 1, message, args, sys.exc_info())
    return handler.format(record)


@pytest.mark.parametrize("door", "sutvp")
def test_the_token_of_a_link_is_in_no_line_and_in_no_traceback(door):
    line = written("Not Found: %s", f"/{door}/{TOKEN}/?a=9")
    assert TOKEN not in line
    assert line.count(f"/{door}/…/?a=9") == 2


def test_the_link_below_an_offer_is_scrubbed_too():
    token = opt_out.token(customer_id=7, purpose="marketing")
    assert token not in written("Not Found: /o/%s/", token)


@pytest.mark.parametrize(
    "secret",
    ["wilhelmina.canary@mail.example", "+49 30 5551239", "+4930555123987", f"lp_abcdefgh_{'S' * 43}123456"],
)
def test_nobody_is_named_and_no_key_is_told(secret):
    line = written("Refused by the server: %s", secret)
    assert secret not in line
    assert line.count("…") >= 2


class TestTheWatch:
    """What looks at every line of the suite sees what it is for (tests/watched_logs.py)."""

    def heard(self, name: str, message: str, *args: object) -> list[str]:
        watch = Watch()
        watch.handle(logging.LogRecord(name, logging.WARNING, "", 1, message, args, None))
        return watch.found

    def test_a_name_of_a_person_in_a_message_of_ours(self):
        assert self.heard("customers.notices", "Could not write to %s", "canary@mail.example")
        assert not self.heard("customers.notices", "Notice %s is uncertain", 7)

    def test_what_libraries_say_is_scrubbed(self):
        assert not self.heard("smtplib", "refused: %s", "canary@mail.example")

    def test_a_formatter_that_forgets_it(self, monkeypatch):
        monkeypatch.setattr(Scrubbed, "format", logging.Formatter.format)
        assert self.heard("smtplib", "refused: %s", "canary@mail.example")


def test_other_addresses_stay_readable():
    for address in ("/admin/surveys/survey/12/change/", "/coupons/12/", "/s/short/"):
        assert address in written("Not Found: %s", address)

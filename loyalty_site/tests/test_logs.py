"""What a log line must not hold."""

import logging
import sys
import uuid

import pytest

from customers import opt_out
from loyalty_site.logs import Scrubbed
from surveys import links

TOKEN = links.token(purpose=links.Purpose.ANSWER, invitation_id=uuid.UUID(int=7))


def written(message: str, *args: object) -> str:
    """Return what the portal's own handler writes of a message with a traceback."""
    [handler] = [one for one in logging.getLogger().handlers if isinstance(one.formatter, Scrubbed)]
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


def test_other_addresses_stay_readable():
    for address in ("/admin/surveys/survey/12/change/", "/coupons/12/", "/s/short/"):
        assert address in written("Not Found: %s", address)

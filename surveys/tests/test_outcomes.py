"""What an error means: may the other side have taken the mail?"""

import smtplib
import ssl
from types import SimpleNamespace

import pytest
import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailInvalidAddress,
    AnymailRequestsAPIError,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailRecipientStatus, AnymailStatus
from django.core.exceptions import ImproperlyConfigured
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from surveys.outcomes import Reason, Verdict, classify, classify_opening

EMAIL = "alice@shop.example"


def answered(status: int, **headers: str) -> AnymailRequestsAPIError:
    response = requests.Response()
    response.status_code, response.reason, response._content = status, "because", b"{}"
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return AnymailRequestsAPIError("no", response=response)


def raised(cause: requests.RequestException) -> Exception:
    """Build the exception as Anymail does: of both classes, from the original."""
    kind = type("AnymailRequestsAPIError", (AnymailRequestsAPIError, type(cause)), {})
    try:
        raise kind("Error posting to https://esp.example:") from cause
    except AnymailAPIError as error:
        return error


def unreachable(reason: Exception) -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(None, "/", reason))


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (AnymailUnsupportedFeature("attachments"), Verdict.FAILED),
        (AnymailInvalidAddress("a@@b"), Verdict.FAILED),
        (AnymailSerializationError("a date"), Verdict.FAILED),
        (raised(requests.ConnectTimeout("slow")), Verdict.UNREACHABLE),
        (raised(unreachable(NewConnectionError(None, "refused"))), Verdict.UNREACHABLE),
        (raised(requests.exceptions.SSLError(ssl.SSLCertVerificationError("bad"))), Verdict.UNREACHABLE),
        (raised(requests.ReadTimeout(ReadTimeoutError(None, "/", "slow"))), Verdict.UNCERTAIN),
        (raised(requests.ConnectionError(ProtocolError("aborted", ConnectionResetError()))), Verdict.UNCERTAIN),
        (answered(200), Verdict.UNCERTAIN),  # "Invalid JSON in … API response"
        (answered(500), Verdict.UNCERTAIN),
        (answered(502), Verdict.UNCERTAIN),
        (answered(504), Verdict.UNCERTAIN),
        (answered(429), Verdict.THROTTLED),
        (answered(401), Verdict.REFUSED_ACCOUNT),
        (answered(403), Verdict.REFUSED_ACCOUNT),
        (answered(404), Verdict.REFUSED_ACCOUNT),
        (ImproperlyConfigured("no key"), Verdict.REFUSED_ACCOUNT),
        (answered(400), Verdict.FAILED),
        (answered(422), Verdict.FAILED),
        (smtplib.SMTPRecipientsRefused({EMAIL: (550, b"5.1.1 unknown")}), Verdict.FAILED),
        (smtplib.SMTPRecipientsRefused({EMAIL: (450, b"greylisted")}), Verdict.DEFERRED),
        (smtplib.SMTPRecipientsRefused({EMAIL: (421, b"busy")}), Verdict.THROTTLED),
        (smtplib.SMTPDataError(454, b"Throttling failure"), Verdict.THROTTLED),
        (smtplib.SMTPDataError(451, b"later"), Verdict.DEFERRED),
        (smtplib.SMTPDataError(554, b"spam"), Verdict.FAILED),
        (smtplib.SMTPSenderRefused(550, b"not you", "x"), Verdict.REFUSED_ACCOUNT),
        (smtplib.SMTPSenderRefused(452, b"full", "x"), Verdict.DEFERRED),
        (smtplib.SMTPSenderRefused(552, b"too big", "x"), Verdict.FAILED),
        (smtplib.SMTPAuthenticationError(535, b"no"), Verdict.REFUSED_ACCOUNT),
        (RuntimeError("never seen"), Verdict.UNCERTAIN),
        (OSError("disk full"), Verdict.UNCERTAIN),
    ],
)
def test_every_error_has_its_verdict(error, verdict):
    assert classify(email=EMAIL, mail=SimpleNamespace(), error=error, taken=None).verdict == verdict


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        ("sent", Verdict.ACCEPTED, None),
        ("queued", Verdict.ACCEPTED, None),
        ("invalid", Verdict.FAILED, Reason.INVALID),
        ("rejected", Verdict.FAILED, Reason.BOUNCED),
        ("failed", Verdict.FAILED, None),
        ("unknown", Verdict.UNCERTAIN, None),
    ],
)
@pytest.mark.parametrize("error", [None, ValueError("a receiver of post_send failed")])
def test_the_providers_word_on_our_recipient_counts_more_than_any_error(status, verdict, reason, error):
    found = AnymailStatus()
    found.set_recipient_status({"Alice@Shop.Example": AnymailRecipientStatus("id-1", status)})
    outcome = classify(email=EMAIL, mail=SimpleNamespace(anymail_status=found), error=error, taken=1)
    assert (outcome.verdict, outcome.suppress, outcome.provider_id) == (verdict, reason, "id-1")


def test_an_answer_about_somebody_else_is_uncertain():
    found = AnymailStatus()
    found.set_recipient_status({"bob@shop.example": AnymailRecipientStatus("id-1", "sent")})
    outcome = classify(email=EMAIL, mail=SimpleNamespace(anymail_status=found), error=None, taken=1)
    assert outcome.verdict == Verdict.UNCERTAIN


def test_an_error_after_the_provider_answered_is_uncertain():
    found = AnymailStatus()
    found.esp_response = object()
    outcome = classify(
        email=EMAIL, mail=SimpleNamespace(anymail_status=found), error=AnymailInvalidAddress("late"), taken=None
    )
    assert outcome.verdict == Verdict.UNCERTAIN


def test_a_provider_says_how_long_to_wait():
    outcome = classify(email=EMAIL, mail=SimpleNamespace(), error=answered(429, Retry_After="120"), taken=None)
    assert outcome.retry_after == 120


def test_only_a_bad_address_is_suppressed_by_its_reply():
    def reason(reply: bytes) -> Reason | None:
        error = smtplib.SMTPRecipientsRefused({EMAIL: (550, reply)})
        return classify(email=EMAIL, mail=SimpleNamespace(), error=error, taken=None).suppress

    assert reason(b"5.1.1 no such user") == Reason.INVALID
    assert reason(b"5.7.1 blocked by policy") is None


def test_an_error_is_kept_without_addresses():
    error = smtplib.SMTPRecipientsRefused({EMAIL: (550, b"<alice@shop.example>: unknown, ask bob@shop.example")})
    text = classify(email=EMAIL, mail=SimpleNamespace(), error=error, taken=None).error
    assert text == "550 <<address>>: unknown, ask <address>"


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), smtplib.SMTPConnectError(421, b"busy")])
def test_nothing_has_left_while_connecting(error):
    assert classify_opening(error).verdict == Verdict.UNREACHABLE


def test_a_refused_password_is_about_the_account():
    assert classify_opening(smtplib.SMTPAuthenticationError(535, b"no")).verdict == Verdict.REFUSED_ACCOUNT

"""What an attempt to hand over a mail means. The question is always the same: may the other side have taken it?

Where that is possible the message is uncertain, and only a webhook or a person resolves it; it is never sent again by itself.
"""

import smtplib
import ssl
import traceback
from dataclasses import dataclass
from enum import Enum
from types import CodeType
from typing import Any

import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailCancelSend,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends import smtp
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from surveys.models import Suppression
from surveys.suppression import mask

Reason = Suppression.Reason


class Verdict(Enum):
    """What follows for the message, and for those behind it."""

    ACCEPTED = "accepted"
    FAILED = "failed"  # for good; the next one may fare better
    DEFERRED = "deferred"  # refused for now; the next one may fare better
    THROTTLED = "throttled"  # refused for now, and so would be those behind it
    UNREACHABLE = "unreachable"  # nobody there to refuse; no attempt at all
    REFUSED_ACCOUNT = "refused_account"  # our account or settings are refused; pause the run
    UNCERTAIN = "uncertain"


# Whoever comes next would fare no better: stop here and give the rest back.
STOPPING = (Verdict.THROTTLED, Verdict.UNREACHABLE, Verdict.REFUSED_ACCOUNT)


@dataclass(frozen=True)
class Outcome:
    """The verdict on one hand-over, with what the other side said."""

    verdict: Verdict
    error: str = ""
    provider_id: str = ""
    suppress: Reason | None = None
    retry_after: int = 0  # seconds
    is_attempt: bool = True


def classify(*, email: str, mail: Any, error: Exception | None, taken: int | None) -> Outcome:
    """Judge one hand-over by the exception it raised, the number of mails the backend says it sent, and Anymail's status.

    Anymail's own record of the recipient comes first: a receiver that fails after the provider accepted looks like a
    failed sending but is none.
    """
    status = getattr(mail, "anymail_status", None)
    if status is not None and (recipient := _recipient(status, email)):
        return _by_status(recipient, error)
    if error is not None:
        if status is not None and status.esp_response is not None and not isinstance(error, AnymailAPIError):
            return Outcome(Verdict.UNCERTAIN, described(error))
        return _by_error(error)
    if status is not None and status.status is not None:
        return Outcome(Verdict.UNCERTAIN, "The provider's answer does not name our recipient.")
    return Outcome(Verdict.ACCEPTED) if taken else Outcome(Verdict.FAILED, "The mailer sent nothing.")


def classify_opening(error: Exception) -> Outcome:
    """Judge an exception raised while connecting, before any mail was handed over."""
    outcome = _by_error(error)
    # Whatever it was, nothing has left; what cannot be told apart passes by itself or shows up again.
    return outcome if outcome.verdict == Verdict.REFUSED_ACCOUNT else Outcome(Verdict.UNREACHABLE, described(error))


def _recipient(status: Any, email: str) -> Any:
    return next((found for address, found in status.recipients.items() if address.lower() == email.lower()), None)


def _by_status(recipient: Any, error: Exception | None) -> Outcome:
    text = described(error) if error else ""
    provider_id = "" if recipient.message_id is None else str(recipient.message_id)[:200]
    match recipient.status:
        case "queued" | "sent":
            return Outcome(Verdict.ACCEPTED, provider_id=provider_id)
        case "invalid":
            return Outcome(Verdict.FAILED, text or "invalid", provider_id, Reason.INVALID)
        case "rejected":
            return Outcome(Verdict.FAILED, text or "rejected", provider_id, Reason.BOUNCED)
        case "failed":
            return Outcome(Verdict.FAILED, text or "failed", provider_id)
        case _:
            return Outcome(Verdict.UNCERTAIN, text or "The provider does not say what it did.", provider_id)


def _by_error(error: Exception) -> Outcome:
    text = described(error)
    match error:
        case AnymailUnsupportedFeature() | AnymailInvalidAddress() | AnymailSerializationError() | AnymailCancelSend():
            return Outcome(Verdict.FAILED, text)
        case AnymailRecipientsRefused():
            return Outcome(Verdict.FAILED, text, suppress=Reason.INVALID)
        case AnymailAPIError():
            return _by_api_error(error, text)
        case smtplib.SMTPException():
            return _by_smtp_error(error, text)
        case ImproperlyConfigured():
            return Outcome(Verdict.REFUSED_ACCOUNT, text)
    if _passed(error, smtp.EmailBackend._send.__code__) and not _passed(error, smtplib.SMTP.data.__code__):
        # Building the mail failed, or the line broke before the text of the mail was sent.
        return Outcome(Verdict.DEFERRED if isinstance(error, OSError) else Verdict.FAILED, text)
    return Outcome(Verdict.UNCERTAIN, text)


def _by_api_error(error: AnymailAPIError, text: str) -> Outcome:
    if never_connected(error):
        return Outcome(Verdict.UNREACHABLE, text)
    return by_answer(error.response, error.status_code, text)


def by_answer(answer: requests.Response | None, status: int | None, text: str) -> Outcome:
    """Judge a provider's answer over HTTP that does not say that it took the message."""
    match status:
        case 429:
            return Outcome(Verdict.THROTTLED, text, retry_after=_retry_after(answer), is_attempt=False)
        case 401 | 403 | 404:
            return Outcome(Verdict.REFUSED_ACCOUNT, text)
        # 409: the same key with another text, or still at work on it (Resend), so an earlier try has arrived there.
        case int(code) if 400 <= code < 500 and code not in (408, 409):
            return Outcome(Verdict.FAILED, text)
    # 500, 502, 503, 504, an unreadable answer, a read that timed out: it may have been taken.
    return Outcome(Verdict.UNCERTAIN, text)


def never_connected(error: Exception) -> bool:
    """Return whether the request cannot have reached the provider. (requests hides the cause inside the exception.)"""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    causes: list[BaseException] = [error]
    while causes:
        cause = causes.pop()
        if isinstance(cause, NewConnectionError | ConnectTimeoutError | ssl.SSLCertVerificationError):
            return True
        inner = [cause.__cause__, getattr(cause, "reason", None), *cause.args]
        causes += [item for item in inner if isinstance(item, BaseException)]
    return False


def _retry_after(answer: requests.Response | None) -> int:
    value = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(int(value), 3600) if value.isascii() and value.isdecimal() else 0


def _by_smtp_error(error: smtplib.SMTPException, text: str) -> Outcome:
    match error:
        case smtplib.SMTPAuthenticationError() | smtplib.SMTPNotSupportedError():
            return Outcome(Verdict.REFUSED_ACCOUNT, text)
        case smtplib.SMTPRecipientsRefused():
            code, reply = next(iter(error.recipients.values()))
            return classify_reply(code, reply)
        case smtplib.SMTPServerDisconnected():
            # Lost after the text began to flow: the server may have taken it (RFC 1047). Before: it cannot have; an
            # attempt all the same, for some servers hang up on certain recipients.
            late = _passed(error, smtplib.SMTP.data.__code__)
            return Outcome(Verdict.UNCERTAIN if late else Verdict.DEFERRED, text)
        case smtplib.SMTPSenderRefused():
            return classify_sender(error.smtp_code, error.smtp_error)
        case smtplib.SMTPResponseException():
            return classify_reply(error.smtp_code, error.smtp_error)
    return Outcome(Verdict.UNCERTAIN, text)


def classify_sender(code: int, reply: bytes | str) -> Outcome:
    """Judge a mail server's refusal of our sender, which is about the account unless the mail is too big or it passes."""
    outcome = classify_reply(code, reply)
    if code >= 500 and code != 552:
        return Outcome(Verdict.REFUSED_ACCOUNT, outcome.error)
    return outcome


def classify_reply(code: int, reply: bytes | str) -> Outcome:
    """Judge a mail server's reply to a recipient or to a whole mail."""
    words = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    text = mask(f"{code} {words}")[:300]
    if 200 <= code < 300:
        return Outcome(Verdict.ACCEPTED)
    if code in (421, 454):
        # 454 is Amazon's throttling, about the account; a 421 may be about one recipient, so it counts.
        return Outcome(Verdict.THROTTLED, text, is_attempt=code == 421)
    if 400 <= code < 500:
        return Outcome(Verdict.DEFERRED, text)
    # RFC 3463: 5.1.x says that the address is bad; a plain 550 may as well be a policy of the day.
    return Outcome(Verdict.FAILED, text, suppress=Reason.INVALID if words.lstrip().startswith("5.1.") else None)


def _passed(error: BaseException, code: CodeType) -> bool:
    """Return whether the exception, or one that it came from, was raised below this function."""
    while error is not None:
        if any(frame.f_code is code for frame, _line in traceback.walk_tb(error.__traceback__)):
            return True
        error = error.__cause__ or error.__context__
    return False


def described(error: Exception) -> str:
    """Return an error in words, without any address, as long as the ledger keeps it."""
    return mask(f"{type(error).__name__}: {error}".strip())[:300]

"""What tests of mail share."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.test import override_settings

from surveys.views import questionnaire
from tests.servers import SmtpSink

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def sink(request: pytest.FixtureRequest) -> Iterator[SmtpSink]:
    """A real mail server at the other end of the surveys' mailer, which knows RFC 2920 unless a test asks for a "plain" one."""
    server = SmtpSink(pipelining=getattr(request, "param", "pipelining") == "pipelining")
    with override_settings(MAILERS={"surveys": {"BACKEND": SMTP, "OPTIONS": server.options}}):
        yield server
    server.close()


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between a page and its answer but what the test says."""
    monkeypatch.setattr(questionnaire, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))

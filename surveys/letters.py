"""What the invitation says: rendered once per run and language, then personal by replacing a few marks.

A name is data all the way: it is escaped in HTML, cannot reach a header's line break, and is no template.
"""

import datetime as dt
import html
import re
import secrets
import uuid
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from customers import looks
from customers.texts import local_text
from surveys import branching, comparing, links, policies, scales, thanks
from surveys.mime import Form, PersonalMail, address, date
from surveys.models import Campaign, MailPolicy, Message, Run, SurveyVersion, Wording

# Marks that no text of a merchant can contain, for they are new in every process.
_SALT = secrets.token_hex(8)
NAME, ANSWER, UNSUBSCRIBE = (f"zz{_SALT}{word}zz" for word in ("name", "answer", "unsubscribe"))


@dataclass(frozen=True)
class Letter:
    """A campaign's mail in one language, with marks where it becomes personal."""

    subject: str
    text: str
    html: str
    nobody: str  # stands for an unknown name

    def fill(self, *, name: str, answer_url: str, unsubscribe_url: str) -> tuple[str, str, str]:
        """Return subject, text and HTML for one person."""
        name = clean(name) or self.nobody
        marks = {ANSWER: answer_url, UNSUBSCRIBE: unsubscribe_url, NAME: name}
        # The name last: whatever it holds is not looked at again.
        subject, text, page = self.subject, self.text, self.html
        for mark, value in marks.items():
            subject, text = subject.replace(mark, value), text.replace(mark, value)
            page = page.replace(mark, html.escape(value))
        return subject, text, page

    def form(self, *, headers: dict[str, str]) -> Form:
        """Return the same encoded for the wire, once for everybody."""
        return Form(headers=headers, text=self.text, html=self.html, marks=_PLACES)


_PLACES = {NAME: "name", ANSWER: "answer", UNSUBSCRIBE: "unsubscribe"}


@dataclass(frozen=True, slots=True)
class SurveyMail:
    """The mail of one message, in the two shapes that couriers ask for."""

    letter: Letter
    form: Form
    sender: str
    email: str
    name: str
    answer_url: str
    unsubscribe_url: str
    headers: dict[str, str]  # its own
    common: dict[str, str]  # those of every mail of the run
    message_id: uuid.UUID

    def as_bytes(self) -> bytes:
        """Return it as it goes over the wire to a mail server; raises ValueError when a header would hold a line break."""
        name = clean(self.name) or self.letter.nobody
        own = {"Subject": self.letter.subject.replace(NAME, name), "To": address(self.email), "Date": date()}
        values = {
            "name": (name, html.escape(name)),
            "answer": (self.answer_url, html.escape(self.answer_url)),
            "unsubscribe": (self.unsubscribe_url, html.escape(self.unsubscribe_url)),
        }
        return self.form.fill(headers=own | self.headers, values=values)

    def as_email(self) -> PersonalMail:
        """Return it as Django's mailers and Anymail read it, with the message as the provider's metadata."""
        subject, text, page = self.letter.fill(
            name=self.name, answer_url=self.answer_url, unsubscribe_url=self.unsubscribe_url
        )
        mail = PersonalMail(subject, text, self.sender, [self.email], headers=self.headers | self.common)
        mail.attach_alternative(page, "text/html")
        mail.metadata = {"survey_message": str(self.message_id)}
        return mail


class Letters:
    """Writes mails, remembering each rendered letter; one of these lives as long as one round of sending."""

    def __init__(self) -> None:
        self._letters: dict[tuple[object, ...], tuple[Letter, Form, str, dict[str, str]]] = {}
        self._rules = policies.Rules()

    def write(self, *, run: Run, message: Message) -> SurveyMail:
        """Return the mail of a message. Its id is the Message-ID, the provider's metadata and a header of its own."""
        invitation = message.invitation
        policy = self._rules.of(invitation.time_zone)
        is_promised = not run.campaign.trial_id or comparing.is_promised(invitation=invitation)
        key = (run.pk, invitation.language, message.wording_id, message.kind, policy and policy.country, is_promised)
        if key not in self._letters:
            self._letters[key] = self._prepare(run, invitation.language, message, policy, is_promised=is_promised)
        letter, form, from_email, common = self._letters[key]
        unsubscribe_url = links.unsubscribe_url(invitation.pk)
        return SurveyMail(
            letter=letter,
            form=form,
            sender=from_email,
            email=invitation.email,
            name=invitation.name,
            answer_url=links.answer_url(invitation.pk),
            unsubscribe_url=unsubscribe_url,
            headers=_headers(message, unsubscribe_url),
            common=common,
            message_id=message.pk,
        )

    def _prepare(
        self, run: Run, language: str, message: Message, policy: MailPolicy | None, *, is_promised: bool
    ) -> tuple[Letter, Form, str, dict[str, str]]:
        letter = compose(
            campaign=run.campaign,
            version=run.version,
            language=language,
            closes_at=run.closes_at,
            wording=message.wording,
            is_reminder=message.kind == Message.Kind.REMINDER,
            policy=policy,
            is_promised=is_promised,
        )
        from_email, common = sender(), _common_headers(run)
        return letter, letter.form(headers={"From": from_email} | common), from_email, common


def compose(
    *,
    campaign: Campaign,
    version: SurveyVersion,
    language: str,
    closes_at: dt.datetime | None,
    wording: Wording | None = None,
    is_reminder: bool = False,
    policy: MailPolicy | None = None,
    is_promised: bool = True,
) -> Letter:
    """Render a campaign's mail in a language, as a wording has it or, without one, as the campaign's texts are now."""
    with translation.override(language):
        texts = wording or campaign
        subject = texts.subject
        if is_reminder:
            subject = texts.reminder_subject or _("Your opinion counts: %(subject)s") % {"subject": subject}
        body = local_text(texts.body_en, texts.body_zh) or _(
            "Hello {name},\n\nwe would like to know how it was. Your answer takes less than a minute."
        )
        first = version.questions.order_by("position").first()
        context = {
            "subject": one_line(f"{policy.subject_prefix if policy else ''} {subject}").replace("{name}", NAME),
            "paragraphs": [text.replace("{name}", NAME) for text in re.split(r"\s*\n\s*\n\s*", body.strip())],
            "campaign": campaign,
            "survey": version.survey,
            "question": first,
            "question_text": branching.fill(first.text, {}) if first else "",
            "promise": thanks.promise(campaign=campaign) if campaign.pk and is_promised else thanks.NOTHING,
            "ends": first and scales.ends(first),
            "closes_at": closes_at,
            "answer_url": ANSWER,
            "unsubscribe_url": UNSUBSCRIBE,
            "programme_name": looks.name(),
            "postal_address": settings.POSTAL_ADDRESS,
            "footer": policy.footer if policy else "",
            "language": language,
        }
        return Letter(
            subject=one_line(_render("subject.txt", context)),
            text=_render("body.txt", context),
            html=_render("body.html", context),
            nobody=_("dear customer"),
        )


def test_mail(*, campaign: Campaign, version: SurveyVersion, email: str, language: str, url: str) -> PersonalMail:
    """Return the campaign's mail as a test: its links lead to `url`, and it is in no ledger."""
    letter = compose(campaign=campaign, version=version, language=language, closes_at=None)
    with translation.override(language):
        name, prefix = _("Alex Example"), _("Test:")
    subject, text, page = letter.fill(name=name, answer_url=url, unsubscribe_url=url)
    mail = PersonalMail(f"{prefix} {subject}", text, sender(), [email], headers={"Auto-Submitted": "auto-generated"})
    mail.attach_alternative(page, "text/html")
    return mail


def clean(name: str) -> str:
    """Return a name on one line, without control characters, what reorders or hides text, and encoded words (RFC 2047)."""
    visible = "".join(char if char.isprintable() or char.isspace() else " " for char in name)
    return one_line(visible.replace("=?", "= ?"))


def one_line(text: str) -> str:
    """Return a text with every run of white space, line breaks of any alphabet included, made one space."""
    return " ".join(text.split())


def sender() -> str:
    """Return who the mail is from, under the programme's name."""
    name, address = parseaddr(settings.SURVEY_FROM_EMAIL)
    return str(Address(display_name=name or looks.name(), addr_spec=address))


def _headers(message: Message, unsubscribe_url: str) -> dict[str, str]:
    """Return the headers of one mail (RFC 2369, RFC 8058)."""
    ways = [f"<{unsubscribe_url}>"]
    if mailbox := settings.UNSUBSCRIBE_EMAIL:
        local, _at, domain = mailbox.rpartition("@")
        ways.append(f"<mailto:{local}+{links.unsubscribe_token(message.invitation_id)}@{domain}>")
    return {
        "Message-ID": message_id(message.pk),
        "List-Unsubscribe": ", ".join(ways),
        "X-Survey-Message": str(message.pk),
    }


def _common_headers(run: Run) -> dict[str, str]:
    host = urlsplit(settings.SITE_URL).hostname
    return {
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<surveys.{host}>",
        "Feedback-ID": f"{run.pk}:{run.campaign_id}:survey:{host}",
        "Auto-Submitted": "auto-generated",
    }


def message_id(pk: uuid.UUID) -> str:
    """Return the Message-ID of a message, the same at every attempt, so that a mailbox may recognise a second one."""
    return f"<{pk}@{_domain(settings.SURVEY_FROM_EMAIL)}>"


@cache
def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2]


def _render(name: str, context: dict[str, Any]) -> str:
    return render_to_string(f"emails/survey_invitation/{name}", context)

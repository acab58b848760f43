"""What a text message says: the campaign's words, the thanks, and the link to the survey, on whose page it can all be ended."""

import re
import uuid
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from customers import looks
from customers.texts import local_text
from surveys import comparing, links, policies, thanks
from surveys.letters import ANSWER, NAME, clean, one_line
from surveys.models import Campaign, MailPolicy, Message, Run, Wording


@dataclass(frozen=True, slots=True)
class TextMessage:
    """The text message of one invitation."""

    number: str
    text: str


class Texts:
    """Writes text messages, remembering each rendered text; one of these lives as long as one round of sending."""

    def __init__(self) -> None:
        self._texts: dict[tuple[object, ...], str] = {}
        self._rules = policies.Rules()

    def write(self, *, run: Run, message: Message) -> TextMessage:
        """Return the text message of a message of the ledger."""
        invitation = message.invitation
        policy = self._rules.of(invitation.time_zone)
        is_promised = not run.campaign.trial_id or comparing.is_promised(invitation=invitation)
        key = (run.pk, invitation.language, message.wording_id, message.kind, policy and policy.country, is_promised)
        if key not in self._texts:
            self._texts[key] = compose(
                campaign=run.campaign,
                language=invitation.language,
                wording=message.wording,
                is_reminder=message.kind == Message.Kind.REMINDER,
                policy=policy,
                is_promised=is_promised,
            )
        text = fill(self._texts[key], language=invitation.language, name=invitation.name, invitation_id=invitation.pk)
        return TextMessage(invitation.email, text)


def compose(
    *,
    campaign: Campaign,
    language: str,
    wording: Wording | None = None,
    is_reminder: bool = False,
    policy: MailPolicy | None = None,
    is_promised: bool = True,
) -> str:
    """Render a campaign's text in a language, with marks for name and link; as a wording has it, or as it is now."""
    texts = wording or campaign
    with translation.override(language):
        text = local_text(texts.body_en, texts.body_zh) or usual()
        if is_reminder:
            text = _("Your opinion counts: %(subject)s") % {"subject": text}
        context = {
            "text": one_line(f"{policy.subject_prefix if policy else ''} {text}").replace("{name}", NAME),
            "promise": thanks.promise(campaign=campaign) if campaign.pk and is_promised else thanks.NOTHING,
            "answer_url": ANSWER,
        }
        return re.sub(r"\s*\n\s*", "\n", render_to_string("surveys/message.txt", context)).strip()


def usual() -> str:
    """Return what is said where the campaign has no text of its own."""
    words = _("%(programme)s would like to know how it was. Your answer takes less than a minute.")
    return words % {"programme": looks.name()}


def fill(text: str, *, language: str, name: str, invitation_id: uuid.UUID | None = None, url: str = "") -> str:
    """Return a composed text for one person, leading to their survey, or to `url` where it is a test."""
    with translation.override(language):
        name = clean(name) or _("dear customer")
    answer_url = url if invitation_id is None else links.answer_url(invitation_id)
    # The name last: whatever it holds is not looked at again.
    return text.replace(ANSWER, answer_url).replace(NAME, name)


def test_text(*, campaign: Campaign, language: str, url: str) -> str:
    """Return the campaign's text message as a test: its link leads to `url`, and it is in no ledger."""
    with translation.override(language):
        return f"{_('Test:')} {sample(campaign=campaign, language=language, url=url)}"


def sample(*, campaign: Campaign, language: str, url: str = "https://…") -> str:
    """Return the campaign's text message as somebody might get it."""
    with translation.override(language):
        return fill(compose(campaign=campaign, language=language), language=language, name=_("Alex Example"), url=url)

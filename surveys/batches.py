"""Many mails in one call, for providers that can make each one personal and refuse a call as a whole or not at all.

One mail a call is the only form that means the same everywhere, so this has to be switched on (SURVEY_BATCHES). A call is
as large as what a campaign lets a crash leave uncertain (*mails per claim*). A call that was refused because of one of its
mails was refused whole: it is halved until that one is found.
"""

import html
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched

from anymail.exceptions import AnymailAPIError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from surveys.courier import MAILER, Courier, Parcel
from surveys.letters import Letter, clean
from surveys.outcomes import STOPPING, Verdict, classify

# Well inside the lease of what is being sent, however often a call has to be halved; the rest is given back.
SECONDS = 120.0
# The provider has read the call and taken nothing of it.
REFUSED_WHOLE = (400, 413, 422)


@dataclass(frozen=True)
class Strategy:
    """How a provider makes the mails of one call personal, and how many it takes."""

    most: int
    place: str  # what stands in a text for a value of the recipient
    reserved: str  # a text that holds this would be read as a place

    def at(self, name: str) -> str:
        """Return what stands for one value."""
        return self.place.format(name)


# Only who fills places with the values as they are, names each message in its reports, and refuses a call as a whole.
STRATEGIES = {"anymail.backends.mailgun": Strategy(most=1000, place="%recipient.{}%", reserved="%recipient")}


def courier() -> Courier:
    """Return who carries the mails: in batches where that is switched on and the provider can, otherwise one by one."""
    strategy = STRATEGIES.get(settings.MAILERS[MAILER]["BACKEND"].rpartition(".")[0])
    return BatchCourier(strategy) if settings.SURVEY_BATCHES and strategy else Courier()


class BatchCourier(Courier):
    """Hands over the mails of one letter together; what must not be mixed goes by itself."""

    def __init__(self, strategy: Strategy) -> None:
        super().__init__()
        self._strategy, self._until = strategy, 0.0

    def deliver(self, parcels: Iterable[Parcel]) -> None:
        """Hand the parcels over, a call for each letter; stop where those behind would fare no better."""
        self._until = time.monotonic() + SECONDS
        for group in self._groups(parcels):
            if not self._carry(group):
                return

    def _groups(self, parcels: Iterable[Parcel]) -> Iterator[list[Parcel]]:
        together: dict[int, list[Parcel]] = {}
        for parcel in parcels:
            key = id(parcel.mail.letter) if self._may_share(parcel) else id(parcel)
            together.setdefault(key, []).append(parcel)
        for group in together.values():
            yield from map(list, batched(group, self._strategy.most, strict=False))

    def _may_share(self, parcel: Parcel) -> bool:
        """Return whether nothing in a mail could be taken for a place, and its address is the same on the wire."""
        mail, reserved = parcel.mail, self._strategy.reserved
        texts = (mail.letter.subject, mail.letter.text, mail.letter.html, mail.name)
        return mail.email.isascii() and not any(reserved in text for text in texts)

    def _carry(self, group: list[Parcel]) -> bool:
        """Hand one call over, halved when it is refused whole; return whether to go on."""
        if time.monotonic() > self._until:
            return False
        if len(group) == 1:
            super().deliver(group)
            return not _is_stopping(group[0])
        if failure := self._open():
            group[0].outcome = failure
            return False
        if self._call(group):
            return not _is_stopping(group[0])
        half = len(group) // 2
        return self._carry(group[:half]) and self._carry(group[half:])

    def _call(self, group: list[Parcel]) -> bool:
        """Hand over and note what came of it; return False when the provider has refused the call and taken nothing."""
        mail, error, taken = together(group, self._strategy), None, None
        for parcel in group:
            parcel.is_begun = True
        try:
            taken = self._connection.send_messages([mail])
        except Exception as raised:
            error = raised
        if isinstance(error, AnymailAPIError) and error.status_code in REFUSED_WHOLE:
            for parcel in group:
                parcel.is_begun = False
            return False
        for parcel in group:
            parcel.outcome = classify(email=parcel.mail.email, mail=mail, error=error, taken=taken)
        if any(parcel.outcome.verdict in (Verdict.UNCERTAIN, *STOPPING) for parcel in group):
            self._close()
        return True


def together(group: list[Parcel], strategy: Strategy) -> EmailMultiAlternatives:
    """Return one mail for many recipients, each of whom sees only their own, with their own links, headers and message."""
    first = group[0].mail
    subject, text, _page = _filled(first.letter, strategy, "name")
    _subject, _text, page = _filled(first.letter, strategy, "name_html")
    mail = EmailMultiAlternatives(
        subject, text, first.sender, [parcel.mail.email for parcel in group], headers=dict(first.common)
    )
    mail.attach_alternative(page, "text/html")
    mail.merge_data, mail.merge_headers, mail.merge_metadata = {}, {}, {}
    for one in (parcel.mail for parcel in group):
        name = clean(one.name) or one.letter.nobody
        mail.merge_data[one.email] = {
            "name": name, "name_html": html.escape(name), "answer": one.answer_url, "unsubscribe": one.unsubscribe_url,
        }  # fmt: skip
        mail.merge_headers[one.email] = dict(one.headers)
        # Of each recipient its own, never shared: reports are told apart by it.
        mail.merge_metadata[one.email] = {"survey_message": str(one.message_id)}
    return mail


def _filled(letter: Letter, strategy: Strategy, name: str) -> tuple[str, str, str]:
    return letter.fill(
        name=strategy.at(name), answer_url=strategy.at("answer"), unsubscribe_url=strategy.at("unsubscribe")
    )


def _is_stopping(parcel: Parcel) -> bool:
    return parcel.outcome is not None and parcel.outcome.verdict in STOPPING

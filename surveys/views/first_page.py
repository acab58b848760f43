"""The first page behind a mail's link: printed once for all who see the same, with three places left open.

It is printed from facts that name nobody and without anybody's request, so it cannot show one person what is another's.
"""

import datetime as dt
import re
import secrets
import uuid
from functools import lru_cache
from html import escape
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from customers.context_processors import programme
from customers.personal import language_of, other_language
from surveys import intents, links
from surveys.first_looks import Facts
from surveys.views import questionnaire
from surveys.visits import FirstVisit

# A page is some ten kilobytes; a mailing needs one for each language and each number of its rating.
KEPT = 256
# New in every process, so that no text of a merchant can hold them.
_CLOCK, _OTHER, _STOP = (f"zz{secrets.token_hex(8)}zz".encode() for _place in range(3))
# Whatever else is asked for marks nothing, and shall not fill the place of other pages.
_NUMBER = re.compile(r"[0-9]{1,2}")


class Printed(NamedTuple):
    """A page with its places, and what a request needs to know of it."""

    html: bytes
    chosen: int | None  # the rating that it has marked
    is_one_of_many: bool


def show(request: HttpRequest, facts: Facts, *, invitation_id: uuid.UUID, now: dt.datetime) -> HttpResponse:
    """Show somebody the first page; which rating link was opened is noted where the survey may know who opens it."""
    facts = facts._replace(language=language_of(request, facts.language))
    with translation.override(facts.language):
        other = escape(other_language(request)["other_language_url"])
        wanted = request.GET.get("a", "")
        page = printed(facts, wanted if _NUMBER.fullmatch(wanted) else "", tuple(programme(request).items()))
    if not facts.is_anonymous:
        note(request, chosen=page.chosen, invitation_id=invitation_id, now=now)
    if page.is_one_of_many and not facts.is_anonymous and "p" not in request.GET:
        return questionnaire.lead_in(request, 0)
    own = {_CLOCK: questionnaire.clock(), _OTHER: other, _STOP: links.preferences_url(invitation_id)}
    html = page.html
    for place, value in own.items():
        html = html.replace(place, value.encode())
    return HttpResponse(html)


def note(request: HttpRequest, *, chosen: int | None, invitation_id: uuid.UUID, now: dt.datetime) -> None:
    """Remember which rating link was opened, if it was one: `h` is the link that no person can see."""
    if chosen is not None or "h" in request.GET:
        value = None if "h" in request.GET else chosen
        agent = intents.agent_of(request.headers.get("User-Agent", ""))
        intents.note(invitation_id=invitation_id, value=value, agent=agent, now=now)


@lru_cache(maxsize=KEPT)
def printed(facts: Facts, wanted: str, look: tuple[tuple[str, object], ...]) -> Printed:
    """Print a page in the active language, that of the facts.

    `wanted` is what a rating link asks to have marked, `look` what every page wears.
    """
    blank = HttpRequest()
    blank.method, blank.GET = "GET", blank.GET.copy()
    blank.GET["a"] = wanted
    sheet = questionnaire.Sheet(blank, FirstVisit(facts=facts))
    context = questionnaire.first_context(sheet) | dict(look) | other_language(blank)
    places = {"clock": _CLOCK.decode(), "other_language_url": _OTHER.decode(), "stop_url": _STOP.decode()}
    html = render_to_string("surveys/answer.html", context | places)
    return Printed(html.encode(), next(iter(sheet.chosen.values()), None), len(sheet.pages) > 1)


def forget() -> None:
    """Print every page anew."""
    printed.cache_clear()

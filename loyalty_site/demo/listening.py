"""What else the demo shop hears: answers by links in chats and in the window, and themes to sort comments by."""

import datetime as dt
import random
from collections.abc import Callable

from customers.timezones import programme_date, start_of_day
from loyalty_site.demo.history import Event
from surveys import public_links
from surveys.models import Campaign, SurveyLink, Theme

# Place, note, answers in the last four weeks.
PLACES = [("wechat", "", 14), ("window", "", 9), ("receipt", "", 12)]
DAYS = 28
THEMES = [
    ("Waiting", "等候", "wait\nqueue\nslow", "等了\n排队\n太久"),
    ("Coffee and food", "咖啡和食物", "coffee\nflat white\ncake", "咖啡\n蛋糕\n饮品"),
    ("Place and noise", "环境", "loud\nplace\nnoise", "环境\n吵\n座位\n安静"),
    ("Parcels", "快递", "parcel\nbroken", "到货\n碎了\n网购"),
]


def themes() -> None:
    """Write the lists of keywords."""
    for english, chinese, words_en, words_zh in THEMES:
        Theme.objects.create(name_en=english, name_zh=chinese, words_en=words_en, words_zh=words_zh)


def events(
    *, campaign: Callable[[], Campaign], says: Callable[..., str], rng: random.Random, now: dt.datetime
) -> list[Event]:
    """Return the evenings on which answers by links are written down; `says` finds a comment in a language."""
    today = programme_date(now)
    found: list[Event] = []
    for channel, label, number in PLACES:
        for _answer in range(number):
            at = start_of_day(today - dt.timedelta(days=rng.randint(1, DAYS))) + dt.timedelta(hours=20)
            found.append((at, lambda at=at, place=(channel, label): _answer_at(campaign(), place, says, rng, at)))
    return found


def _answer_at(
    campaign: Campaign, place: tuple[str, str], says: Callable[..., str], rng: random.Random, at: dt.datetime
) -> None:
    link, _is_new = SurveyLink.objects.get_or_create(
        campaign=campaign, channel=place[0], label=place[1], defaults={"created_at": at, "by": campaign.by}
    )
    language = "zh-hans" if place[0] == "wechat" else rng.choice(["en", "en", "zh-hans"])
    is_unhappy = rng.random() < 0.2
    questions = {question.key: question for question in campaign.survey.versions.get().questions.all()}
    values = {
        questions["recommend"]: rng.randint(3, 6) if is_unhappy else rng.choice([7, 8, 9, 9, 10]),
        questions["service"]: rng.randint(2, 3) if is_unhappy else rng.choice([4, 4, 5]),
        questions["liked"]: sorted(rng.sample(range(5), rng.randint(0, 3))),
        questions["better"]: says(language, is_unhappy=is_unhappy) if rng.random() < 0.5 else "",
    }
    public_links.answer(link=link, customer=None, values=values, language=language, now=at)

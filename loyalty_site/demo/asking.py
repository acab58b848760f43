"""What the demo shop asks its customers, what they answered in autumn, and who cared about the unhappy ones."""

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any

from customers.models import Customer
from customers.timezones import programme_date, start_of_day
from loyalty_site.demo import listening
from loyalty_site.demo.catalogue import Shop
from loyalty_site.demo.history import Event
from loyalty_site.demo.people import ALICE, LIN
from surveys import audience, campaigns, cases, responses, runs, suppression, versions
from surveys.models import Campaign, Case, ContactLogEntry, Invitation, Message, Question, Run, Suppression, Survey

ASKED_DAYS_AGO = 60
ANSWERING_DAYS = 9
SHARE_ANSWERED = 0.46

QUESTIONS = [
    {"key": "recommend", "kind": "nps", "text_en": "How likely are you to recommend us to a friend?",
     "text_zh": "您有多大可能向朋友推荐我们？", "is_required": True},
    {"key": "service", "kind": "csat", "text_en": "How happy were you with the service?", "text_zh": "您对服务满意吗？"},
    {"key": "liked", "kind": "multiple", "text_en": "What did you like?", "text_zh": "您喜欢我们的哪些方面？",
     "choices_en": "Coffee and tea\nCakes and lunch\nThe people\nThe place\nPrices",
     "choices_zh": "咖啡和茶\n蛋糕和轻食\n店员\n环境\n价格"},
    {"key": "better", "kind": "text", "text_en": "What could we do better?", "text_zh": "我们哪里还可以做得更好？"},
]  # fmt: skip
PRAISE = {
    "en": ["The flat white is the best in town.", "Clara remembers my order, that makes my morning.",
           "More vegan cake, please.", "Lovely place to read.", "Please open earlier on Sundays."],
    "zh-hans": ["咖啡很香，店员很热情。", "希望增加无糖饮品。", "环境安静，适合看书。", "蛋糕很好吃，就是周末太挤了。"],
}  # fmt: skip
GRIPES = {
    "en": ["We waited twenty minutes for two coffees.", "The parcel came with a broken cup.", "Too loud to talk at noon."],
    "zh-hans": ["等了很久才拿到咖啡。", "网购的杯子到货时已经碎了。", "中午太吵，没有座位。"],
}  # fmt: skip
OUTCOMES = [
    "Called back, apologised, sent a coupon; the customer comes again.",
    "Replaced the cup free of charge; packaging changed.",
    "已致电道歉并补发优惠券，顾客表示满意。",
    "Explained the new second till at noon; the customer was pleased to be asked.",
]
# Channel, direction, topic, text, minutes.
CONTACTS = [
    ("hotline", "in", "Opening hours", "Asked whether we open on the holiday.", 2),
    ("wechat", "in", "积分查询", "询问积分什么时候到期。", None),
    ("email", "in", "Missing points", "A purchase without card; points were added by hand.", None),
    ("store", "in", "Lost card", "Looked up by phone, new card handed out.", 4),
    ("whatsapp", "in", "Order status", "Where is my parcel? It arrived the day after.", None),
    ("instagram", "in", "Cake for a party", "Wants two cheesecakes for Saturday.", None),
    ("hotline", "out", "Grinder is here", "Told that the hand grinder can be picked up.", 3),
    ("wechat", "out", "生日祝福", "发送生日祝福，顾客很开心。", None),
]


@dataclass
class Asking:
    """One finished campaign with its answers and cases, and one to come."""

    shop: Shop
    rng: random.Random
    run: Run | None = None
    answers: dict[int, list[Invitation]] = field(default_factory=dict)

    def events(self, *, now: dt.datetime) -> list[Event]:
        """Return what happens on which evening: the mails leave, answers come in, cases are worked on, the run closes."""
        day = programme_date(now) - dt.timedelta(days=ASKED_DAYS_AGO)
        campaign_at = start_of_day(day) + dt.timedelta(hours=10)
        evenings = [
            start_of_day(day + dt.timedelta(days=number)) + dt.timedelta(hours=21) for number in range(ANSWERING_DAYS)
        ]
        return [
            (campaign_at, lambda: self._send(campaign_at)),
            *((at, lambda at=at, number=number: self._answer(number, at)) for number, at in enumerate(evenings)),
            (evenings[-1] + dt.timedelta(days=3), lambda: self._care(evenings[-1] + dt.timedelta(days=3))),
            (campaign_at + dt.timedelta(days=31), lambda: runs.close_due(now=campaign_at + dt.timedelta(days=31))),
            *listening.events(campaign=lambda: self.run.campaign, says=self._says, rng=self.rng, now=now),
        ]  # fmt: skip

    def _says(self, language: str, *, is_unhappy: bool) -> str:
        return self.rng.choice((GRIPES if is_unhappy else PRAISE)[language])

    def _send(self, at: dt.datetime) -> None:
        self.survey = _survey("after-your-visit", "How was your visit?", "您的体验如何？")
        for position, question in enumerate(QUESTIONS, start=1):
            Question.objects.create(version=self.survey.versions.get(), position=position, **question)
        versions.publish(survey=self.survey, by=self.shop.staff["marketer"], now=at - dt.timedelta(days=4))
        campaign = self._campaign(
            "After the summer", at, "bought_90_days", 20,
            subject_b_en="Your visit, in four questions", subject_b_zh="四个小问题，聊聊您的光临",
        )  # fmt: skip
        campaigns.schedule(campaign=campaign, by=self.shop.staff["marketer"], now=at - dt.timedelta(days=3))
        [self.run] = campaigns.plan_due_runs(now=at)
        audience.prepare(run=self.run, now=at)
        self._deliver(at)
        invited = list(
            self.run.invitations.filter(skip="", messages__state="accepted")
            .select_related("customer")
            .order_by("customer")
        )
        for invitation in invited:
            if self.rng.random() < SHARE_ANSWERED or invitation.email in (ALICE, LIN):
                day = min(int(self.rng.expovariate(0.5)), ANSWERING_DAYS - 1)
                self.answers.setdefault(day, []).append(invitation)

    def _deliver(self, at: dt.datetime) -> None:
        """Write down what became of the mails of the past; none leaves now."""
        messages = Message.objects.filter(run=self.run)
        lost = [
            m.pk for m in messages.exclude(invitation__email__in=[ALICE, LIN]).order_by("invitation__customer")[3:5]
        ]
        messages.exclude(pk__in=lost).update(
            state=Message.State.ACCEPTED, tries=1, finished_at=at + dt.timedelta(minutes=2)
        )
        for message in messages.filter(pk__in=lost).select_related("invitation"):
            messages.filter(pk=message.pk).update(
                state=Message.State.BOUNCED, tries=1, finished_at=at + dt.timedelta(minutes=5)
            )
            suppression.suppress(
                email=message.invitation.email, scope=Suppression.Scope.ALL, reason=Suppression.Reason.BOUNCED,
                source=f"message:{message.pk}", occurred_at=at + dt.timedelta(minutes=5),
            )  # fmt: skip

    def _answer(self, day: int, at: dt.datetime) -> None:
        questions = {question.key: question for question in self.run.version.questions.all()}
        for invitation in self.answers.get(day, []):
            language = invitation.language
            is_unhappy = self.rng.random() < 0.13 and invitation.email not in (ALICE, LIN)
            words = (GRIPES if is_unhappy else PRAISE)[language]
            values = {
                questions["recommend"]: self.rng.randint(2, 6)
                if is_unhappy
                else self.rng.choice([7, 8, 8, 9, 9, 10, 10]),
                questions["service"]: self.rng.randint(1, 3) if is_unhappy else self.rng.choice([4, 4, 5, 5, 5]),
                questions["liked"]: sorted(self.rng.sample(range(5), self.rng.randint(0, 3))),
                questions["better"]: self.rng.choice(words) if self.rng.random() < 0.4 or is_unhappy else "",
            }
            answered_at = at + dt.timedelta(minutes=self.rng.randrange(90))
            responses.complete(invitation=invitation, values=values, language=language, now=answered_at)

    def _care(self, at: dt.datetime) -> None:
        """Close the cases that unhappy answers have opened, with a conversation each."""
        manager = self.shop.staff["manager"]
        for case in Case.objects.open().order_by("pk"):
            case.owner, case.cause = manager, self.rng.choice(["waiting time", "parcel", "noise", "等待时间"])
            if self.rng.random() < 0.15:
                cases.move(case=case, state=Case.State.UNREACHABLE, now=at)
                continue
            case.outcome = self.rng.choice(OUTCOMES)
            cases.move(case=case, state=Case.State.RESOLVED, now=at)
            ContactLogEntry.objects.create(
                customer=case.customer, case=case, channel="hotline", direction="out", topic="Your answer to our survey",
                text=case.outcome, duration_minutes=self.rng.randint(3, 12), occurred_at=at, by=manager,
            )  # fmt: skip

    def today(self, *, now: dt.datetime) -> None:
        """Leave what is going on today: a campaign to come, open cases, and the conversations of the last weeks."""
        send_at = start_of_day(programme_date(now) + dt.timedelta(days=2)) + dt.timedelta(hours=10)
        campaign = self._campaign("Before the holidays", send_at, "bought_90_days", 25)
        campaigns.schedule(campaign=campaign, by=self.shop.staff["marketer"], now=now)
        self._campaign("Fifth visit", send_at, "everyone", 50, trigger=Campaign.Trigger.NTH_PURCHASE, number=5)
        listening.themes()
        people = list(Customer.objects.enrolled().exclude(identifiers__normalised__in=[ALICE, LIN]).order_by("pk"))
        marketer, manager = self.shop.staff["marketer"], self.shop.staff["manager"]
        for number, (channel, direction, topic, text, minutes) in enumerate(CONTACTS * 3):
            ContactLogEntry.objects.create(
                customer=self.rng.choice(people), channel=channel, direction=direction, topic=topic, text=text,
                duration_minutes=minutes, occurred_at=now - dt.timedelta(days=2 * number + 1, minutes=37 * number),
                by=marketer,
            )  # fmt: skip
        opened = [
            cases.open_case(customer=person, subject=subject, owner=manager, now=now - dt.timedelta(days=1, hours=3))
            for person, subject in zip(people[5:20:9], ["Cup broken in the parcel", "排队时间过长"], strict=False)
        ]
        cases.move(case=opened[0], state=Case.State.CONTACTED, now=now)

    def _campaign(self, name: str, at: dt.datetime, segment: str, points: int, **fields: Any) -> Campaign:
        return Campaign.objects.create(
            by=self.shop.staff["marketer"], **fields,
            name=name, survey=self.survey, scheduled_at=at, segment=segment, points=points,
            subject_en="Two minutes for a better cup?", subject_zh="占用您两分钟，帮我们做得更好",
            body_en="Dear {name}, you have been our guest. Would you tell us how it was?",
            body_zh="{name}，您好！感谢您光临小店，想听听您的感受。",
        )  # fmt: skip


def _survey(slug: str, english: str, chinese: str) -> Survey:
    survey = Survey.objects.create(
        slug=slug, title_en=english, title_zh=chinese, intro_en="Four short questions.", intro_zh="只有四个小问题。",
        thanks_en="Thank you! We read every answer.", thanks_zh="谢谢您！每一条回答我们都会认真阅读。",
    )  # fmt: skip
    survey.versions.create(number=1)
    return survey

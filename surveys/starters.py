"""Surveys to start from, in both languages: asked the way the figures need it, to be changed to taste."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from customers.models import User
from surveys.models import Question, Survey, SurveyVersion

Kind, Test = Question.Kind, Question.Test


@dataclass(frozen=True)
class Starter:
    """One starting point: what staff read about it, and what it makes."""

    label: Promise
    purpose: Promise
    survey: dict[str, str]
    questions: list[dict[str, Any]] = field(default_factory=list)


_WHY_LOW = {
    "key": "better", "kind": Kind.TEXT, "text_en": "What should we do better?", "text_zh": "我们应该在哪些方面改进？",
}  # fmt: skip
_THANKS = {
    "thanks_en": "Thank you! We read every answer.", "thanks_zh": "感谢您的反馈！我们会认真阅读每一份答案。",
}  # fmt: skip

STARTERS: dict[str, Starter] = {
    "nps": Starter(
        label=_("Recommendation (NPS)"),
        purpose=_("How attached are customers to the shop as a whole? Ask everybody once or twice a year."),
        survey={"title_en": "How do you like us?", "title_zh": "您喜欢我们吗？"} | _THANKS,
        questions=[
            {
                "key": "nps", "kind": Kind.NPS, "is_required": True,
                "text_en": "How likely are you to recommend {programme} to a friend?",
                "text_zh": "您有多大可能向朋友推荐{programme}？",
            },
            {**_WHY_LOW, "show_if_key": "nps", "show_if_test": Test.AT_MOST, "show_if_values": "6"},
            {
                "key": "to_ten", "kind": Kind.TEXT, "show_if_key": "nps", "show_if_test": Test.ONE_OF, "show_if_values": "7,8",
                "text_en": "What is missing for a 10?", "text_zh": "怎样才能让您给出 10 分？",
            },
            {
                "key": "liked", "kind": Kind.TEXT, "show_if_key": "nps", "show_if_test": Test.AT_LEAST, "show_if_values": "9",
                "text_en": "What do you like most?", "text_zh": "您最喜欢我们的哪一点？",
            },
        ],
    ),
    "csat": Starter(
        label=_("Satisfaction (CSAT)"),
        purpose=_("How was this one visit? Ask shortly afterwards, and ask about one thing."),
        survey={"title_en": "How was your visit?", "title_zh": "您这次的体验如何？"} | _THANKS,
        questions=[
            {
                "key": "csat", "kind": Kind.CSAT, "is_required": True,
                "text_en": "How satisfied were you with your visit?", "text_zh": "您对这次到店的体验满意吗？",
            },
            {
                "key": "reason", "kind": Kind.MULTIPLE,
                "show_if_key": "csat", "show_if_test": Test.AT_MOST, "show_if_values": "3",
                "text_en": "What was the matter?", "text_zh": "是什么让您不满意？",
                "choices_en": "Quality\nService\nWaiting time\nPrice\nThe place\nSomething else",
                "choices_zh": "商品质量\n服务态度\n等待时间\n价格\n环境\n其他",
            },
            {"key": "comment", "kind": Kind.TEXT, "text_en": "Is there anything you would like to tell us?",
             "text_zh": "您还有什么想告诉我们的吗？"},
        ],
    ),
    "ces": Starter(
        label=_("Effort (CES)"),
        purpose=_("Was it easy? Ask after a return, a complaint or a call."),
        survey={"title_en": "Did we make it easy?", "title_zh": "办理过程方便吗？"} | _THANKS,
        questions=[
            {
                "key": "ces", "kind": Kind.CES, "is_required": True,
                "text_en": "{programme} made it easy for me to settle my matter.", "text_zh": "{programme}让我轻松解决了问题。",
            },
            {
                "key": "solved", "kind": Kind.CHOICE, "text_en": "Is your matter settled?", "text_zh": "您的问题解决了吗？",
                "choices_en": "Yes\nPartly\nNo", "choices_zh": "已解决\n部分解决\n未解决",
            },
            {
                "key": "open", "kind": Kind.TEXT, "show_if_key": "solved", "show_if_test": Test.ONE_OF, "show_if_values": "2,3",
                "text_en": "What is still open?", "text_zh": "还有哪些问题没有解决？",
            },
        ],
    ),
    "purchase": Starter(
        label=_("After a purchase"),
        purpose=_("Goods, service and delivery, a few days after they were bought."),
        survey={"title_en": "Are you happy with your purchase?", "title_zh": "您对购买的商品满意吗？"} | _THANKS,
        questions=[
            {
                "key": "stars", "kind": Kind.STARS, "is_required": True,
                "text_en": "How do you like what you bought?", "text_zh": "您喜欢购买的商品吗？",
            },
            {
                "key": "parts", "kind": Kind.MATRIX, "text_en": "How was it in detail?", "text_zh": "具体感受如何？",
                "rows_en": "Quality\nValue for money\nService", "rows_zh": "商品质量\n性价比\n服务",
                "choices_en": "Poor\nFair\nGood\nExcellent", "choices_zh": "差\n一般\n好\n非常好",
            },
            {**_WHY_LOW, "show_if_key": "stars", "show_if_test": Test.AT_MOST, "show_if_values": "3"},
            {
                "key": "again", "kind": Kind.CHOICE, "begins_page": True,
                "text_en": "Would you buy it again?", "text_zh": "您还会再次购买吗？",
                "choices_en": "Yes\nPerhaps\nNo", "choices_zh": "会\n也许\n不会",
            },
        ],
    ),
}  # fmt: skip


def begin(*, starter: str, by: User | None) -> Survey:
    """Write a new survey with a draft from a starting point and return it. Raises KeyError for one that there is not."""
    chosen = STARTERS[starter]
    survey = Survey.objects.create(slug=free_slug(chosen.survey["title_en"]), **chosen.survey)
    version = SurveyVersion.objects.create(survey=survey, number=1, by=by)
    Question.objects.bulk_create(
        Question(version=version, position=position, **fields)
        for position, fields in enumerate(chosen.questions, start=1)
    )
    return survey


def copy(*, survey: Survey, by: User | None) -> Survey:
    """Write a new survey with a draft like the newest version of another and return it; its promise can be another one."""
    fields = {
        name: getattr(survey, name)
        for name in ("title_en", "title_zh", "intro_en", "intro_zh", "thanks_en", "thanks_zh", "anonymity")
    }
    made = Survey.objects.create(slug=free_slug(survey.slug), **fields)
    version = SurveyVersion.objects.create(survey=made, number=1, by=by)
    if newest := survey.versions.order_by("-number").first():
        copy_questions(newest, version)
    return made


def copy_questions(version: SurveyVersion, draft: SurveyVersion) -> None:
    """Write the questions of a version into a draft, too."""
    names = [f.name for f in Question._meta.concrete_fields if f.name not in ("id", "version")]
    Question.objects.bulk_create(
        Question(version=draft, **{name: getattr(question, name) for name in names})
        for question in version.questions.order_by("position")
    )


def free_slug(text: str) -> str:
    """Return a slug that no survey has yet."""
    base = slugify(text)[:50] or "survey"
    taken = set(Survey.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)

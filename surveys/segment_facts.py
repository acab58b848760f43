"""What saved filters can ask about surveys, and that campaigns select by a segment. Answers of a confidential survey are never asked by person."""

import datetime as dt

from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from customers import segment_uses
from customers.models.customer import CustomerQuerySet
from customers.segment_facts import Fact, choice, one_of, register
from customers.segment_uses import Use
from surveys.models import Answer, Campaign, Question, Response, Survey

IDENTIFIED = Survey.Anonymity.IDENTIFIED
# The groups of the Net Promoter Score, by the lowest and the highest number.
GROUPS = {"promoters": (9, 10), "passives": (7, 8), "detractors": (0, 6)}
LABELS = [("promoters", _("9 or 10")), ("passives", _("7 or 8")), ("detractors", _("0 to 6"))]


def _answered(customers: CustomerQuerySet, survey: int, now: dt.datetime) -> CustomerQuerySet:
    found = Response.objects.completed().filter(
        customer=OuterRef("pk"), version__survey=survey, version__survey__anonymity=IDENTIFIED
    )
    return customers.filter(Exists(found))


def _recommends(customers: CustomerQuerySet, group: str, now: dt.datetime) -> CustomerQuerySet:
    """Keep those whose newest answer to how likely they recommend the shop lies in a group."""
    answers = Answer.objects.filter(
        response__customer=OuterRef("pk"), response__is_test=False, response__completed_at__lte=now,
        response__version__survey__anonymity=IDENTIFIED, question__kind=Question.Kind.NPS, number__isnull=False,
    )  # fmt: skip
    newest = answers.order_by("-response__completed_at", "-pk").values("number")[:1]
    return customers.alias(recommends=Subquery(newest)).filter(recommends__range=GROUPS[group])


register(
    Fact("answered", one_of(lambda: Survey.objects.filter(anonymity=IDENTIFIED), _("Answered survey")), _answered),
    Fact(
        "recommends",
        choice(
            _("Would recommend us"),
            LABELS,
            _("The newest answer from 0 to 10 (NPS); confidential surveys are left out."),
        ),
        _recommends,
    ),
)
segment_uses.register(
    campaigns=Use(
        lambda key: Campaign.objects.filter(segment=key),
        Q(state__in=[Campaign.State.REQUESTED, Campaign.State.SCHEDULED, Campaign.State.PAUSED]),
    )
)

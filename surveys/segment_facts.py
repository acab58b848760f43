"""What saved filters can ask about surveys. Answers of a confidential survey are never asked by person."""

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from customers.segment_facts import Fact, one_of, register
from surveys.models import Response, Survey

register(
    Fact(
        "answered",
        one_of(lambda: Survey.objects.filter(anonymity=Survey.Anonymity.IDENTIFIED), _("Answered survey")),
        lambda customers, survey, now: customers.filter(
            Exists(
                Response.objects.completed().filter(
                    customer=OuterRef("pk"), version__survey=survey,
                    version__survey__anonymity=Survey.Anonymity.IDENTIFIED,
                )
            )
        ),
    )
)  # fmt: skip

"""The words at the two ends of a rating scale, which go with its kind and are never mixed."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from surveys.models import Question

Kind = Question.Kind

ENDS: dict[str, tuple[Promise, Promise]] = {
    Kind.NPS: (_("not at all likely"), _("extremely likely")),
    Kind.CSAT: (_("very dissatisfied"), _("very satisfied")),
    Kind.CES: (_("strongly disagree"), _("strongly agree")),
    Kind.STARS: (_("poor"), _("excellent")),
}


def ends(question: Question) -> tuple[str | Promise, str | Promise] | None:
    """Return what the lowest and the highest number mean, or None when nobody has said so."""
    if question.kind == Kind.SCALE:
        return (question.low, question.high) if question.low and question.high else None
    return ENDS.get(question.kind)

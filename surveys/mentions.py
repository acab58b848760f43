"""Answers that no key to a customer leads to, and how an erasure takes the customer out of them."""

from dataclasses import replace

from django.db.models import Q

from customers.privacy import Subject
from customers.traces import mentioned_in
from surveys.models import Answer, Verbatim

SHORTEST = 6  # what is shorter, a number of four digits say, stands in the answers of many
FIRST_HAN = "\u2e80"


def answers(subject: Subject) -> int:
    """Empty what a customer wrote in confidential surveys, and answers of nobody that name them; return how many.

    Numbers and choices stay: they count in totals and name nobody. Again changes nothing.
    """
    own = Q(response__invitation__customer=subject.customer_id)
    named = mentioned_in("text", _beyond_doubt(subject))
    texts = Answer.objects.filter(own | named).exclude(text="")
    keys = list(texts.values_list("pk", flat=True))
    Verbatim.objects.filter(answer__in=keys).update(folded="")
    return Answer.objects.filter(pk__in=keys).update(text="")


def _beyond_doubt(subject: Subject) -> Subject:
    """Leave out what others are called as well: whoever praises Anna at the till must keep their words."""
    name = subject.name.strip()
    is_whole = " " in name or (len(name) > 2 and min(name) >= FIRST_HAN)
    words = tuple(word for word in subject.words if len(word) >= SHORTEST)
    return replace(subject, name=name if is_whole else "", words=words)

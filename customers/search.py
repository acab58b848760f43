"""Find customers by what staff have at hand: member number, e-mail, phone, or the beginning of the name.

Each way is one question to one index, bounded; a word inside a name is tried only when nothing else fits.
"""

import unicodedata

from django.db import connection
from django.db.models import Q, QuerySet

from customers.identifiers import normalise
from customers.models import Customer, Identifier
from customers.models.customer import fold

MOST = 200
HIGHEST = "\U0010ffff"


def matching_ids(term: str, *, most: int = MOST) -> list[int]:
    """Return the keys of the customers that a search term means, at most `most`; none for an empty term."""
    term = unicodedata.normalize("NFKC", term).strip().replace("\x00", "")
    if not term:
        return []
    customers = Customer.objects.order_by("pk")
    ways = [
        Identifier.objects.filter(normalised__in=spellings(term)).order_by("pk").values_list("customer_id", flat=True),
        customers.filter(starting("member_number", {term, term.upper()})).values_list("pk", flat=True),
        customers.filter(named(term)).values_list("pk", flat=True),
    ]
    found = _first(ways, most)
    return found or _first([customers.filter(name__icontains=term).values_list("pk", flat=True)], most)


def spellings(term: str) -> set[str]:
    """Return every normalised form in which an identifier could be stored for a typed term."""
    return {form for kind in Identifier.Kind.values if (form := normalise(kind=kind, value=term))}


def named(beginning: str) -> Q:
    """Return the condition that a name begins so, in whatever case and width."""
    return starting("name_folded", {fold(beginning)})


def starting(field: str, beginnings: set[str]) -> Q:
    """Return the condition that a column begins with one of some texts, in the words that the database's index understands.

    PostgreSQL has an index of its own for LIKE; SQLite compares byte by byte, so that a range is the same.
    """
    condition = Q()
    for text in sorted(beginnings):
        if connection.vendor == "sqlite":
            condition |= Q(**{f"{field}__gte": text, f"{field}__lt": text + HIGHEST})
        else:
            condition |= Q(**{f"{field}__startswith": text})
    return condition


def _first(ways: list[QuerySet], most: int) -> list[int]:
    found: dict[int, None] = {}
    for way in ways:
        found.update(dict.fromkeys(way[:most]))
    return list(found)[:most]

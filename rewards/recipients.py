"""Who gets a coupon: read from a list that staff paste, one member number, e-mail address or phone number per line."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import batched

from customers.models import Customer, Identifier
from customers.search import spellings

CHUNK = 300


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line that names nobody."""

    line: int
    text: str


@dataclass(slots=True)
class Recipients:
    """The customers of a list, each once, and the lines that name nobody."""

    customer_ids: list[int] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    repeated: int = 0


def read_list(text: str) -> Recipients:
    """Find the enrolled customers of a list; lines are counted from 1, empty ones are passed over."""
    found = Recipients()
    seen: set[int] = set()
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    for chunk in batched(lines, CHUNK):
        owners = _owners(line for _n, line in chunk)
        for number, line in chunk:
            owner = owners.get(line)
            if owner is None:
                found.unknown.append(Unknown(number, line))
            elif owner in seen:
                found.repeated += 1
            else:
                seen.add(owner)
                found.customer_ids.append(owner)
    return found


def _owners(terms: Iterable[str]) -> dict[str, int]:
    """Return the customer of each term that has one; a member number comes before any other meaning."""
    forms = {term: spellings(term) | {term} for term in terms}
    every = sorted({form for found in forms.values() for form in found})
    owners: dict[str, int] = {}
    enrolled = Customer.objects.enrolled()
    identifiers = Identifier.objects.filter(normalised__in=every, customer__in=enrolled)
    owners.update(identifiers.values_list("normalised", "customer_id"))
    owners.update(enrolled.filter(member_number__in=every).values_list("member_number", "pk"))
    return {
        term: owner
        for term, found in forms.items()
        if (owner := owners.get(term) or next((owners[form] for form in sorted(found) if form in owners), None))
    }

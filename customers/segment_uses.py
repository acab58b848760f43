"""What names a segment: apps above say which of their records do (in their `segment_facts`), so that a filter in use stays.

A surprise that selects by a filter would find nobody to ask once the filter is gone, and what a second person has approved
must not come to mean other customers.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from django.db.models import Model, Q, QuerySet

NEVER = Q(pk=None)


class Use(NamedTuple):
    """One kind of record: those that name the segment of a key, and which of them mean its customers right now."""

    naming: Callable[[str], QuerySet]
    is_live: Q = NEVER


_USES: dict[str, Use] = {}


def register(**uses: Use) -> None:
    """Add kinds of records by a name of their own; the same again changes nothing."""
    _USES.update(uses)


def records_naming(key: str) -> Iterable[Model]:
    """Return every record that names a segment, whatever its state."""
    return [row for use in _USES.values() for row in use.naming(key)]


def is_live(key: str) -> bool:
    """Return whether a record that somebody has released means this segment's customers."""
    return any(use.naming(key).filter(use.is_live).exists() for use in _USES.values())

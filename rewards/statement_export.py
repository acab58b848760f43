"""The statement as a file: the same words as the page, one movement a line, newest first. docs/points.md has the columns."""

from collections.abc import Iterator, Sequence

from django.utils import translation
from django.utils.translation import gettext as _

from customers.csv_out import Cell
from customers.models import Customer
from customers.templatetags.loyalty import last_moment
from customers.timezones import programme_date
from rewards import statement
from rewards.models import PointTransaction

PAGE = 500


def heading() -> list[str]:
    """Return the names of the columns; their number and order never change, new ones are added at the end."""
    return [
        _("No."),
        _("Date"),
        _("What"),
        _("Why"),
        _("Points"),
        _("Moved"),
        _("Spendable from"),
        _("Valid until"),
        _("Spendable afterwards"),
        _("Pending afterwards"),
        _("Set aside afterwards"),
        _("To make up afterwards"),
        _("Store"),
        _("Kind"),
        _("Written down"),
    ]


def rows(*, customer: Customer, show: str = "") -> Iterator[list[Cell]]:
    """Give one row for each movement, newest first, in the language in which they were asked for.

    Page by page: a reader that stays open while a browser loads would keep SQLite's tills waiting.
    """
    language, before = translation.get_language(), None
    while True:
        found = statement.rows_of(customer=customer, before=before, show=show)[:PAGE]
        with translation.override(language):
            page = [row_of(transaction) for transaction in found]
        yield from page
        if len(page) < PAGE:
            return
        before = page[-1][0]


def row_of(transaction: PointTransaction) -> list[Cell]:
    """Turn a movement, loaded with its store and lot, into a row."""
    line = statement.line_of(transaction)
    is_inside = statement.is_inside(transaction)
    lot = statement.lot_of(transaction)
    return [
        transaction.sequence,
        transaction.occurred_at,
        line.what,
        _sentences(line.why),
        0 if is_inside else statement.signed_for_customer(transaction),
        transaction.points,
        lot and programme_date(lot.activates_at),
        _last_day(lot),
        transaction.active_after,
        transaction.pending_after,
        transaction.held_after,
        transaction.debt_after,
        transaction.store.name if transaction.store else "",
        transaction.kind,
        transaction.recorded_at,
    ]


def _last_day(lot: object) -> Cell:
    """Return the last day of a lot's points; of points that end with absence, in words after how long."""
    if lot is None:
        return None
    if lot.expires_at is not None:
        return programme_date(last_moment(lot.expires_at))
    return statement.absence_of(lot) or _("never")


def _sentences(parts: Sequence[str]) -> str:
    return _("; ").join(parts)

"""Reading a customer's balance at the till: one statement, written out, for it is the most frequent question of all."""

from typing import NamedTuple

from django.db import connection

from customers.models import Customer
from rewards.models import PointBalance


class Balance(NamedTuple):
    """A customer's points by account, and all that were ever earned."""

    member_number: str
    active: int
    pending: int
    held: int
    debt: int
    lifetime: int


CUSTOMERS, BALANCES = Customer._meta.db_table, PointBalance._meta.db_table
ACCOUNTS = ", ".join(f"COALESCE(b.{name}, 0)" for name in Balance._fields[1:])
QUERY = (
    f"SELECT c.member_number, {ACCOUNTS} FROM {CUSTOMERS} c LEFT JOIN {BALANCES} b ON b.customer_id = c.id "  # noqa: S608
    "WHERE c.member_number = %s AND c.erased_at IS NULL AND c.merged_into_id IS NULL"
)


def balance_of(*, member_number: str) -> Balance | None:
    """Return the cached balance of an enrolled customer, None when nobody has the number."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY, [member_number])
        row = cursor.fetchone()
    return row and Balance._make(row)

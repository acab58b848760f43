"""What other systems are told about customers and imports: keys, names of fields and whole numbers, never a name or an address.

Each is called in the transaction of what happened and costs nothing where nobody listens. docs/webhooks.md shows the bodies.
"""

import datetime as dt
from collections.abc import Iterable, Mapping

from customers import webhooks
from customers.models import Customer
from customers.models.webhook import EventType


def customer_enrolled(customer: Customer, *, source: str) -> None:
    """Tell of a new member."""
    webhooks.announce(
        EventType.CUSTOMER_ENROLLED, customer_id=customer.pk, occurred_at=customer.enrolled_at, source=source
    )


def customer_changed(customer: Customer, *, fields: Iterable[str], at: dt.datetime) -> None:
    """Tell which fields of a customer were changed; whoever may read them asks the API."""
    webhooks.announce(EventType.CUSTOMER_CHANGED, customer_id=customer.pk, occurred_at=at, fields=sorted(fields))


def import_finished(
    kind: str, *, job_id: int | None, counts: Mapping[str, int], bad_lines: int, at: dt.datetime
) -> None:
    """Tell of a file once, whatever was in it: its purchases, points and customers are not told one by one."""
    webhooks.announce(
        EventType.IMPORT_FINISHED, occurred_at=at, **{"import": job_id}, kind=str(kind), counts=dict(counts),
        bad_lines=bad_lines,
    )  # fmt: skip

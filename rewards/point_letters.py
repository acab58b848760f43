"""Mails about points that left an account by no purchase of the customer's own; what they say in full stands in the statement."""

from customers import notices
from rewards.models import PointTransaction
from rewards.models.points import Kind


def left(transaction: PointTransaction) -> None:
    """Tell the customer that points were taken by hand or given to somebody else, once per transaction.

    What brings points in is no cause for a mail. Call it in the transaction of the cause.
    """
    if transaction.signed > 0:
        return
    context = {"amount": transaction.points, "is_transfer": transaction.kind == Kind.TRANSFER.value}
    letter = notices.Letter(transaction.customer_id, "points_left", transaction.source, context)
    notices.queue([letter], now=transaction.recorded_at)

"""When a customer may be asked: the hours are those in which anything may be sent to them."""

from customers.windows import instant, is_open, next_opening

__all__ = ["instant", "is_open", "next_opening"]

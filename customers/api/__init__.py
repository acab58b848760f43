"""The customers app's part of the JSON API."""

from customers.api.operations import router

__all__ = ["router"]

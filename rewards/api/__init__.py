"""The rewards app's part of the JSON API."""

from ninja import Router

from rewards.api import catalogue, coupons, points, purchases, refusals, stored_value

refusals.register()
router = Router()
for part in (purchases, points, coupons, catalogue, stored_value):
    router.add_router("", part.router)

__all__ = ["router"]

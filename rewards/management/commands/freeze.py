"""Stop all spending of points, coupons and gift cards."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from rewards import freezes


class Command(BaseCommand):
    """For when the admin cannot be reached; `manage.py unfreeze` is the way back."""

    help = "Stop all spending; earning goes on. `unfreeze` lets it go on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reason", help="why, for colleagues")

    def handle(self, *args: Any, **options: Any) -> None:
        row = freezes.freeze(reason=options["reason"], by=None, now=timezone.now())
        self.stdout.write(f"Spending is frozen since {row.frozen_at:%Y-%m-%d %H:%M:%S} UTC: {row.reason}")

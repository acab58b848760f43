"""Let spending go on."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from rewards import freezes


class Command(BaseCommand):
    """The way back from `manage.py freeze`."""

    help = "Let spending go on after `freeze`."

    def handle(self, *args: Any, **options: Any) -> None:
        was_frozen = freezes.resume(by=None, now=timezone.now())
        self.stdout.write("Spending goes on." if was_frozen else "Spending was not frozen.")

"""manage.py recommend."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import ngettext

from customers.recommendations import nightly


class Command(BaseCommand):
    """Do today's work on recommendations now, instead of by night; a second time nothing is left to do."""

    help = "Learns from all purchases and makes the lists of recommendations, unless that was done today."

    def handle(self, *args: Any, **options: Any) -> None:
        made = nightly.run_due(clock=timezone.now)
        self.stdout.write(ngettext("%(count)d list made", "%(count)d lists made", made) % {"count": made})

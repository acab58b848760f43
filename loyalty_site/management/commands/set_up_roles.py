"""Make the groups cashier, marketer, manager and auditor, or bring them back to what the portal means by them."""

from typing import Any

from django.core.management.base import BaseCommand

from loyalty_site import roles


class Command(BaseCommand):
    """Safe to run again: after an upgrade it adds what is new."""

    help = "Make the groups cashier, marketer, manager and auditor with their permissions."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Roles: {', '.join(roles.ensure_roles())}.")

"""Write everything the portal knows of a customer into a file."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from customers import audit, exports
from customers.models import AuditEvent, Customer


class Command(BaseCommand):
    """The door of the command line to customers.exports."""

    help = "Write a zip with everything about the customer with this member number: JSON, and a page in each language."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("member_number", help="the number on the card")
        parser.add_argument("path", type=Path, help="the file to write; it must not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        customer = Customer.objects.filter(member_number=options["member_number"], erased_at=None).first()
        if customer is None:
            raise CommandError("No customer has this member number.")
        now = timezone.now()
        try:
            with open(options["path"], "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                exports.write(file, customer=customer, now=now)
        except FileExistsError as error:
            raise CommandError(f"{options['path']} exists already.") from error
        audit.note(action=AuditEvent.Action.EXPORTED, place=AuditEvent.Place.COMMAND, customer=customer, now=now)
        self.stdout.write(f"Wrote everything about customer {customer.pk}.")

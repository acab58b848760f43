"""Bring the Chinese catalogue up to date with the code, or only check it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loyalty_site import translations


class Command(BaseCommand):
    help = "Collect every message of the portal into locale/zh_Hans, keeping what is translated; or --check that nothing is missing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail when a translation is missing or wrong"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        catalog, report = translations.build()
        if not check:
            translations.write(catalog)
            translations.compile_catalogues()
        for problem in report.problems:
            self.stderr.write(problem)
        if report.obsolete and options["verbosity"] > 1:
            for text in report.obsolete:
                self.stdout.write(f"obsolete: {text}")
        summary = f"{len(catalog)} messages, {len(report.problems)} problems, {len(report.obsolete)} obsolete."
        if check and report.problems:
            raise CommandError(summary)
        self.stdout.write(summary)

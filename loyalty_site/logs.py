"""Log lines without what opens something: whoever reads a log must not be able to answer for somebody else."""

import logging
import re

# The pages behind personal links: one or two letters, then a token.
_TOKEN = re.compile(r"(/[a-z]{1,2}/)[A-Za-z0-9_.:~-]{20,}")


class Scrubbed(logging.Formatter):
    """Write a line, its traceback included, with every token taken out."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return _TOKEN.sub(r"\1…", super().format(record))

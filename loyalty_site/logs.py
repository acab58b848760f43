"""Log lines without what opens something or names somebody: whoever reads a log must not be able to answer for somebody else.

Our own lines hold ids alone; what libraries and tracebacks say is scrubbed. tests/plugin.py looks at every line of the suite.
"""

import logging
import re

# The pages behind personal links (one or two letters, then a token), keys of the API, addresses, and numbers as phones have them.
_SECRETS = (
    (re.compile(r"(/[a-z]{1,2}/)[A-Za-z0-9_.:~-]{20,}"), r"\1…"),
    (re.compile(r"\b(lp_[a-z0-9]{8})_[A-Za-z0-9]{20,}"), r"\1_…"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "…@…"),
    (re.compile(r"(?<![\w.:+-])\+\d[\d ]{6,16}\d"), "+…"),
)


class Scrubbed(logging.Formatter):
    """Write a line, its traceback included, with everything of that kind taken out."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return scrubbed(super().format(record))


def scrubbed(text: str) -> str:
    """Return a text without tokens, keys, e-mail addresses and phone numbers."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text

"""Every log line of the suite, looked at for persons and secrets (threat G4): each address, number and key of a test is a canary.

Our own loggers are heard from INFO on, as in production; of others what is a warning or worse. The portal's formatter must leave
nothing of the kind in the line, its traceback included; our own messages must not have held it in the first place.
"""

import logging

from loyalty_site.logs import Scrubbed, scrubbed

OURS = ("customers", "rewards", "surveys", "loyalty_site")
FORMAT = "%(levelname)s %(name)s %(message)s"


class Watch(logging.Handler):
    """Gather the lines that name somebody; `allowed` are tests of the formatter itself."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(Scrubbed(FORMAT))
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        is_ours = record.name.partition(".")[0] in OURS
        if not is_ours and record.levelno < logging.WARNING:
            return
        line = self.format(record)
        if scrubbed(line) != line or (is_ours and scrubbed(record.getMessage()) != record.getMessage()):
            self.found.append(f"{record.name}: {record.msg!r}")


def install() -> Watch:
    """Hear every logger from now on, and return what gathers."""
    watch = Watch()
    logging.getLogger().addHandler(watch)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return watch

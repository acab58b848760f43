"""What axe has against a page in the browser."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Of the rules for WCAG 2.2 AA axe leaves this one out unless told otherwise: 24 px, or enough room around.
OPTIONS = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}


def violations(page: Page) -> list[str]:
    """Return every breach with where it is; empty is what a test wants."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{each['id']} {[node['target'] for node in each['nodes']]}" for each in found]

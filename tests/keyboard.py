"""Hands that know only the keyboard, and eyes that want to see where the focus is.

Every stop is outlined, inside the window, under nothing else, and on something at least 24 px wide and high (WCAG 2.2: 2.1.1, 2.4.7,
2.4.11, 2.5.8); the page is never wider than the window (1.4.10).
"""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

ZOOMED = (320, 256)  # 400 % of 1280 by 1024
DESK = (1280, 800)
STOPS = 90  # more than the longest page has
FOCUS = """async () => {
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const element = document.activeElement;
  if (!element || element === document.body || element.id === "content") return null;
  const label = element.labels?.[0];
  const target = element.matches("input[type=radio], input[type=checkbox]") && label ? label : element;
  const isOutlined = each => {
    const style = each && getComputedStyle(each);
    return style && (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none");
  };
  const seen = element.getBoundingClientRect(), box = target.getBoundingClientRect();
  const x = seen.left + seen.width / 2, y = seen.top + Math.min(seen.height, innerHeight) / 2;
  const above = document.elementFromPoint(x, y);
  const named = (element.getAttribute("aria-labelledby") || "").split(" ").map(id => document.getElementById(id)?.innerText);
  return {
    name: (element.getAttribute("aria-label") || named.join(" ").trim() || label?.innerText || element.innerText || "").trim(),
    html: element.outerHTML.slice(0, 160),
    is_outlined: [element, target, element.nextElementSibling].some(isOutlined),
    is_in_view: x > 0 && x < innerWidth && y > 0 && y < innerHeight,
    is_bare: !!above && (element.contains(above) || above.contains(element) && !above.closest(".tabs") || label?.contains(above)),
    is_in_text: !!element.closest("p, dd, .notice"),
    width: Math.max(seen.width, box.width), height: Math.max(seen.height, box.height),
  };
}"""


class Keys:
    """Hands that know only the keyboard; `faults` gathers what they could not see or hit."""

    def __init__(self, page: Page) -> None:
        self.page, self.faults = page, set()

    def to(self, name: str) -> None:
        """Press Tab until the thing of that name has the focus, looking at every stop on the way."""
        seen = []
        for _ in range(STOPS):
            self.page.keyboard.press("Tab")
            if (stop := self._look()) is None:
                continue
            seen.append(stop["name"])
            if re.search(name, stop["name"]):
                return
        raise AssertionError(f"no key leads to {name!r} on {self.page.url}: {seen}")

    def _look(self) -> dict[str, Any] | None:
        # Where the focus is once the browser has scrolled there and painted it.
        stop = self.page.evaluate(FOCUS)
        if stop is None:
            return None
        wrong = [word for word in ("is_outlined", "is_in_view", "is_bare") if not stop[word]]
        if not stop["is_in_text"] and min(stop["width"], stop["height"]) < 24:
            wrong.append("smaller than 24 px")
        if wrong:
            self.faults.add((urlsplit(self.page.url).path, stop["html"], *wrong))
        if (needed := self.page.evaluate("document.documentElement.scrollWidth")) > self.page.viewport_size["width"]:
            self.faults.add((urlsplit(self.page.url).path, f"{needed} pixels wide"))
        return stop

    def follow(self, name: str, *, title: str = "") -> None:
        """Go to a link or button, press Enter, and wait for the page with a title."""
        self.to(name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        if title:
            self.page.get_by_role("heading", name=title, level=1).wait_for()

    def switch(self, name: str) -> None:
        """Go to a box and press Space."""
        self.to(name)
        self.page.keyboard.press("Space")

    def type(self, name: str, text: str) -> None:
        """Go to a field and write over what it holds."""
        self.to(name)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def look_at_the_rest(self) -> None:
        """Tab through a page from its beginning to its end."""
        self.page.reload()
        last = None
        for _ in range(STOPS):
            self.page.keyboard.press("Tab")
            if (stop := self._look()) is None and last:
                return
            last = stop

    def wait_for(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

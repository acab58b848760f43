"""The check of coupon codes as the till's browser runs it: it must say what rewards/codes.py says, without the server."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from rewards import codes

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).resolve().parent.parent / "static/js/coupon-code.js"
SLIPS = """
(all) => {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", missed = [];
  for (const code of all) {
    if (couponCode.check(code) !== "fits") missed.push(code);
    for (let i = 0; i < code.length; i++) {
      for (const symbol of alphabet) {
        const slip = code.slice(0, i) + symbol + code.slice(i + 1);
        if (slip !== code && couponCode.check(slip) !== "slip") missed.push(slip);
      }
      for (let j = i + 1; j < code.length; j++) {
        const swap = [...code];
        [swap[i], swap[j]] = [swap[j], swap[i]];
        const slip = swap.join("");
        if (slip !== code && couponCode.isValid(slip)) missed.push(slip);
      }
    }
  }
  return missed;
}
"""


def test_the_browser_catches_each_wrong_and_each_swapped_symbol_in_10_000_codes(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<input data-coupon-code="hint"><p id="hint" hidden>Please check every character.</p>')
    page.add_script_tag(content=SCRIPT.read_text())
    assert page.evaluate(SLIPS, codes.generate(10_000)) == []
    for text, said in [
        (" i0o0-oooo—oo07 ", "fits"), ("CAFE-1000-0000-0007", "fits"), ("１０００－００００－０００７", "fits"),
        ("1000-0000-0006", "slip"), ("SUMMER", "other"), ("GIFT-000001-UU", "other"), ("优惠券", "other"), ("", "other"),
    ]:  # fmt: skip
        assert page.evaluate("text => couponCode.check(text)", text) == said, text
    page.locator("input").fill("1000-0000-0006")
    assert page.locator("#hint").is_visible()
    page.locator("input").fill("1000-0000-0007")
    assert not page.locator("#hint").is_visible()
    page.close()

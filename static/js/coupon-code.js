// The check of a coupon's code, without asking the server: a slip of the keyboard is caught before the queue waits.
// The same sum as rewards/codes.py: symbols of GF(32), weighted by powers of two, must add up to nothing.
// An input with data-coupon-code gets a hint when what it holds cannot be one of our codes; it is never refused here,
// since codes of a printer and codes for many follow no sum.
(() => {
  "use strict";

  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const LENGTH = 12;

  const compact = (text) =>
    text
      .normalize("NFKC")
      .toUpperCase()
      .replace(/[\s\-‐-―−_·.]+/g, "")
      .replace(/[IL]/g, "1")
      .replace(/O/g, "0");

  const double = (value) => (value << 1) ^ (value & 16 ? 0b100101 : 0);

  const isValid = (code) => {
    if (code.length !== LENGTH) return false;
    let sum = 0;
    for (const symbol of code) {
      const value = ALPHABET.indexOf(symbol);
      if (value < 0) return false;
      sum = double(sum) ^ value;
    }
    return sum === 0;
  };

  // "fits", "slip" when exactly one of our codes was meant and mistyped, and "other" when nothing can be said.
  const check = (text) => {
    const code = compact(text);
    if (code.length < LENGTH || [...code].some((symbol) => !/[0-9A-Z]/.test(symbol))) return "other";
    if (isValid(code.slice(-LENGTH))) return "fits";
    const symbols = [...code.slice(-LENGTH)];
    return code.length === LENGTH && symbols.every((symbol) => ALPHABET.includes(symbol)) ? "slip" : "other";
  };

  window.couponCode = { check, compact, isValid };

  for (const field of document.querySelectorAll("[data-coupon-code]")) {
    const hint = document.getElementById(field.dataset.couponCode);
    if (!hint) continue;
    const look = () => {
      hint.hidden = check(field.value) !== "slip";
    };
    field.addEventListener("input", look);
    look();
  }
})();

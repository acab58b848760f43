// Keeps the code of the member card fresh while somebody looks at it. Without script the page has a link that does the same.
"use strict";

(() => {
  const box = document.querySelector("[data-fresh]");
  const stale = document.querySelector("[data-stale]");
  const EVERY = 45000;
  const VALID = 60000;
  let shownAt = Date.now();
  let timer = 0;

  async function refresh() {
    try {
      const answer = await fetch(box.dataset.fresh, { cache: "no-store", redirect: "error" });
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      box.replaceChildren(...page.body.childNodes);
      shownAt = Date.now();
    } catch {
      // No connection: what is on the screen may still hold for a few seconds.
    }
    stale.hidden = Date.now() - shownAt < VALID;
    box.classList.toggle("old", !stale.hidden);
    plan();
  }

  function plan() {
    window.clearTimeout(timer);
    const age = Date.now() - shownAt;
    timer = window.setTimeout(look, age < EVERY ? EVERY - age : 3000);
  }

  // A card in a pocket asks for nothing; taken out again it shows a new code at once.
  function look() {
    if (document.visibilityState === "visible") {
      if (Date.now() - shownAt >= EVERY - 500) {
        refresh();
      } else {
        plan();
      }
    }
  }

  // The screen stays on while it is shown, where the browser can do that.
  async function stayAwake() {
    if (document.visibilityState === "visible" && "wakeLock" in navigator) {
      await navigator.wakeLock.request("screen").catch(() => undefined);
    }
  }

  for (const link of document.querySelectorAll("[data-by-hand]")) {
    link.hidden = true;
  }
  document.addEventListener("visibilitychange", () => {
    look();
    stayAwake();
  });
  // Shown again from the browser's memory: that code may have been used.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      refresh();
    }
  });
  plan();
  stayAwake();
})();

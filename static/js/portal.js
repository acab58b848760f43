// Small comforts; every page works without them.
"use strict";

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// One press sends a form once: a second press on a slow connection would only ask again.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
  }
});

// The page without a network shows the last balance; it stays on this device and goes with the log-out.
(() => {
  try {
    localStorage.setItem("language", document.documentElement.lang);
    const balance = document.querySelector("[data-balance]");
    if (balance) {
      const { balance: points, member } = balance.dataset;
      localStorage.setItem("balance", JSON.stringify({ points, member, at: new Date().toISOString() }));
    } else if (document.querySelector("[data-forget]")) {
      localStorage.removeItem("balance");
    }
  } catch {
    // Storage is switched off: nothing is remembered.
  }
  if ("serviceWorker" in navigator && window.isSecureContext) {
    navigator.serviceWorker.register("/worker.js").catch(() => {});
  }
})();

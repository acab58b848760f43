// Shows the last balance that this device has seen, in the language that was read last.
"use strict";

(() => {
  const read = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is switched off
    }
  };
  const language = read("language") || navigator.language.toLowerCase();
  const chosen = language.startsWith("zh") ? "zh-hans" : "en";
  for (const part of document.querySelectorAll("[data-language]")) {
    part.hidden = part.dataset.language !== chosen;
  }
  document.documentElement.lang = chosen;
  let balance = null;
  try {
    balance = JSON.parse(read("balance"));
  } catch {
    balance = null;
  }
  if (!balance) {
    return;
  }
  const at = new Date(balance.at).toLocaleString(chosen === "en" ? undefined : "zh-CN", { dateStyle: "medium", timeStyle: "short" });
  for (const part of document.querySelectorAll("[data-known], [data-number]")) {
    part.hidden = false;
  }
  for (const part of document.querySelectorAll("[data-unknown]")) {
    part.hidden = true;
  }
  for (const [name, text] of [["at", at], ["points", balance.points], ["member", balance.member]]) {
    for (const part of document.querySelectorAll(`[data-${name}]`)) {
      part.textContent = text;
    }
  }
})();

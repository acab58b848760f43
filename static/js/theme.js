// Tells Bootstrap's own components the device's theme before the first paint. Without script the style sheet asks the device itself.
"use strict";

(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  apply();
  dark.addEventListener("change", apply);
})();

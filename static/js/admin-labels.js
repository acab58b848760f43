// Gives the admin's searchable selects the name of their label: Select2 draws a box of its own that screen readers find nameless.
"use strict";

(() => {
  const name = () => {
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      const label = document.querySelector(`label[for="${select.id}"]`);
      const drawn = select.nextElementSibling;
      if (!label || !drawn || !drawn.classList.contains("select2")) {
        continue;
      }
      const text = label.textContent.trim().replace(/[:：]$/, "");
      for (const part of drawn.querySelectorAll(".select2-selection, .select2-search__field, .select2-selection__rendered")) {
        part.removeAttribute("aria-labelledby");
        part.setAttribute("aria-label", text);
      }
    }
  };
  window.addEventListener("load", () => requestAnimationFrame(name));
  document.addEventListener("formset:added", () => setTimeout(name));
})();

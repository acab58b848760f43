// Draws the coupon of the form anew while it is being written; without script a button does the same.
"use strict";

const preview = document.getElementById("offer-preview");
const form = preview && preview.closest("form");
let waiting = 0;
let asked = 0;

async function draw() {
  const number = ++asked;
  preview.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(preview.dataset.url, { method: "POST", body: new FormData(form) });
    if (answer.ok && number === asked) {
      preview.innerHTML = await answer.text();
    }
  } catch {
    // No connection: the last picture stays.
  }
  if (number === asked) {
    preview.removeAttribute("aria-busy");
  }
}

if (form) {
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(draw, 500);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  draw();
}

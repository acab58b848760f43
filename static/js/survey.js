// The answer page comes alive: questions appear as they are called for, a rating chosen in the mail arrives once somebody
// has seen the page, and a ranking keeps its places apart. Without this file the same page works in steps.
"use strict";

const VISIBLE_MILLISECONDS = 2000;

const form = document.querySelector("form[data-survey]");
const fieldsets = [...form.querySelectorAll("fieldset.question")];
const byName = new Map(fieldsets.map((fieldset) => [fieldset.dataset.name, fieldset]));

const mark = document.createElement("input");
mark.type = "hidden";
mark.name = "js";
mark.value = "1";
form.append(mark);

// What was answered to a question, as numbers where it has some; nothing where it is not asked.
function answers(fieldset) {
  if (!fieldset || fieldset.disabled) {
    return [];
  }
  return [...new FormData(form).entries()]
    .filter(([name, value]) => (name === fieldset.dataset.name || name.startsWith(`${fieldset.dataset.name}_`)) && value.trim() !== "")
    .map(([, value]) => value.trim());
}

function holds(fieldset) {
  const given = answers(byName.get(fieldset.dataset.of));
  if (given.length === 0) {
    return false;
  }
  const numbers = given.map(Number);
  const wanted = fieldset.dataset.values.split(",").filter(Boolean).map(Number);
  switch (fieldset.dataset.test) {
    case "at_least":
      return numbers[0] >= wanted[0];
    case "at_most":
      return numbers[0] <= wanted[0];
    case "one_of":
      return numbers.some((number) => wanted.includes(number));
    case "none_of":
      return !numbers.some((number) => wanted.includes(number));
    default:
      return true;
  }
}

// In the order of the page, so that what hangs on a hidden question is hidden, too.
function branch() {
  for (const fieldset of fieldsets.filter((one) => one.dataset.of)) {
    const isShown = holds(fieldset);
    fieldset.hidden = !isShown;
    fieldset.disabled = !isShown;
  }
}

form.addEventListener("input", branch);
window.addEventListener("pageshow", branch);
branch();

// Two lines cannot share a place: the one that had it takes the other's.
for (const ranking of form.querySelectorAll("[data-ranking]")) {
  const selects = [...ranking.querySelectorAll("select")];
  const places = new Map(selects.map((select) => [select, select.value]));
  ranking.addEventListener("change", (event) => {
    const before = places.get(event.target);
    const other = selects.find((select) => select !== event.target && select.value && select.value === event.target.value);
    if (other) {
      other.value = before;
    }
    const free = selects.map((_select, index) => String(index + 1)).filter((place) => !selects.some((select) => select.value === place));
    const open = selects.filter((select) => !select.value);
    if (open.length === 1 && free.length === 1) {
      open[0].value = free[0];
    }
    for (const select of selects) {
      places.set(select, select.value);
    }
    branch();
  });
}

function report(data) {
  return fetch(location.href, { method: "POST", body: new URLSearchParams(data), keepalive: true, credentials: "omit" });
}

let isLeaving = false;
form.addEventListener("submit", () => {
  isLeaving = true;
});

async function keepRating() {
  if (isLeaving) {
    return;
  }
  const data = new FormData(form);
  data.set("do", "keep");
  try {
    const reply = await report(data);
    if (reply.ok) {
      form.querySelector("[data-noted]").hidden = false;
    }
  } catch {
    // The button below sends it just as well.
  }
}

// A tab counts as seen while it is in front; a scanner that opens it and leaves has seen nothing.
function afterSeeing(act) {
  let timer;
  const watch = () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") {
      timer = setTimeout(() => {
        document.removeEventListener("visibilitychange", watch);
        act();
      }, VISIBLE_MILLISECONDS);
    }
  };
  document.addEventListener("visibilitychange", watch);
  watch();
}

if (form.hasAttribute("data-real")) {
  report({ do: "look" }).catch(() => {});
  if (form.hasAttribute("data-chosen")) {
    afterSeeing(keepRating);
  }
}

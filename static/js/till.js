// The till without waiting for whole pages, and without fear of a lost connection: every form can be sent again, because its
// key counts once. Without script the same forms work the slow way.
"use strict";

(() => {
  const PATIENCE = 15000;
  const main = document.getElementById("content");
  let underway = null;
  let unsent = null;
  let pressed = false;

  document.addEventListener("pointerdown", () => { pressed = true; }, true);
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => setTimeout(() => { pressed = false; }), true);
  }
  // A button that is being pressed must not vanish under the finger.
  const released = async () => {
    while (pressed) {
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  };

  const bodyOf = (form, button) => {
    const body = new FormData(form);
    if (button && button.name) {
      body.append(button.name, button.value);
    }
    return new URLSearchParams(body);
  };

  const lost = () => {
    if (!main.querySelector(".till-lost")) {
      main.prepend(document.getElementById("lost-connection").content.cloneNode(true));
    }
    // Only what was sent is sent again; whoever is still typing is left alone.
    if (unsent) {
      main.querySelector("[data-again]").focus();
    }
  };

  const found = () => {
    for (const note of main.querySelectorAll(".till-lost")) {
      note.remove();
    }
  };

  // Where the cursor was, when the answer does not say where it belongs.
  const focusAgain = (name) => {
    const wanted = main.querySelector("[data-focus]") || main.querySelector("[autofocus]") || (name && main.querySelector(`[name="${CSS.escape(name)}"]`));
    if (wanted) {
      wanted.focus();
      if (wanted.select && wanted.type !== "checkbox") {
        wanted.select();
      }
    }
  };

  const TYPED = ["amount", "product", "code", "points", "proof", "reference"];
  const typed = (form) => new Map(TYPED.filter((name) => form.elements[name]).map((name) => [name, form.elements[name].value]));

  // What was typed while the shop was answering: it stays, and so does the cursor.
  const newlyTyped = (request) => {
    if (!request.form.isConnected) {
      return new Map();
    }
    return new Map([...typed(request.form)].filter(([name, value]) => value !== request.typed.get(name)));
  };

  const show = (text, request) => {
    const kept = newlyTyped(request);
    const active = document.activeElement && document.activeElement.name;
    const hasMoved = TYPED.includes(active) && active !== request.keeps;
    const page = new DOMParser().parseFromString(text, "text/html");
    const next = page.getElementById("content");
    if (!next) {
      return;
    }
    document.title = page.title;
    main.replaceChildren(...document.importNode(next, true).childNodes);
    for (const [name, value] of kept) {
      const field = main.querySelector(`[name="${name}"]`);
      if (field) {
        field.value = value;
      }
    }
    const here = (hasMoved || kept.has(active)) && main.querySelector(`[name="${active}"]`);
    if (here) {
      here.focus();
    } else {
      focusAgain(request.keeps);
    }
    document.dispatchEvent(new CustomEvent("till:shown"));
  };

  const send = async (request) => {
    if (underway) {
      underway.stop.abort();
    }
    const stop = new AbortController();
    const clock = setTimeout(() => stop.abort(), PATIENCE);
    const mine = { stop, isFinal: request.isFinal };
    underway = mine;
    request.form.setAttribute("aria-busy", "true");
    request.typed = typed(request.form);
    try {
      const answer = await fetch(request.url, { method: "POST", body: request.body, signal: stop.signal, headers: { "X-Till": "script" } });
      if (answer.status >= 500) {
        throw new Error("no answer");
      }
      const text = await answer.text();
      await released();
      if (mine !== underway) {
        return;
      }
      unsent = null;
      found();
      const next = answer.headers.get("X-Location") || (answer.redirected && answer.url);
      if (next) {
        window.location.assign(next);
        return;
      }
      show(text, request);
    } catch (error) {
      if (mine === underway) {
        unsent = request;
        lost();
      }
    } finally {
      clearTimeout(clock);
      request.form.removeAttribute("aria-busy");
      if (mine === underway) {
        underway = null;
      }
    }
  };

  const isFinal = (button) => Boolean(button && (button.name === "record" || button.name === "confirm"));

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-till]")) {
      return;
    }
    event.preventDefault();
    // A second press waits for the answer to the first; only a mere update may be overtaken.
    if (underway && underway.isFinal) {
      return;
    }
    const active = document.activeElement;
    send({
      form,
      body: bodyOf(form, event.submitter),
      url: form.getAttribute("action") || window.location.href,
      isFinal: !form.matches("[data-live]") || isFinal(event.submitter),
      keeps: active && active.name,
    });
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-again]") || underway) {
      return;
    }
    if (unsent) {
      send(unsent);
    } else {
      found();
    }
  });

  // A ticked coupon or a changed quantity shows at once what it comes to.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-live]");
    const names = ["coupon", "line_quantity", "line_price", "line_discount", "points"];
    if (!form || !names.includes(event.target.name) || underway) {
      return;
    }
    // Enter and buttons send the form themselves; a change before them must not be in their way.
    setTimeout(() => {
      if (!underway && form.isConnected) {
        const body = bodyOf(form, null);
        body.append("update", "1");
        const active = document.activeElement;
        send({ form, body, url: form.getAttribute("action"), isFinal: false, keeps: active && active.name });
      }
    }, 60);
  });

  // A scanner types wherever the cursor is: on a button its digits belong into a field, and its Enter must not press the button.
  document.addEventListener("keydown", (event) => {
    const name = event.target.closest && event.target.closest("[data-typing]")?.dataset.typing;
    if (!name || event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const field = main.querySelector(`[name="${CSS.escape(name)}"]`);
    if (field) {
      field.value = "";
      field.focus();
    }
  });

  window.addEventListener("offline", lost);
  const first = main.querySelector("[data-focus]");
  if (first) {
    first.focus();
  }
  window.addEventListener("online", () => {
    if (unsent && !underway) {
      send(unsent);
    } else if (!unsent) {
      found();
    }
  });
})();

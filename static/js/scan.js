// Reads a QR code or a card's bar code with the camera of a tablet, where the browser can do that. A scanner that types like a
// keyboard needs none of this: what it reads lands in the field, and its Enter sends the form.
"use strict";

(() => {
  const WANTED = ["qr_code", "code_128", "ean_13", "code_39"];
  const PAUSE = 120;

  async function formats() {
    if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) {
      return [];
    }
    const known = await window.BarcodeDetector.getSupportedFormats();
    return known.includes("qr_code") ? WANTED.filter((format) => known.includes(format)) : [];
  }

  // As if the scanner had pressed Enter: the form's first button is the one that counts.
  function send(field, text) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const button = [...field.form.elements].find((one) => one.type === "submit" && !one.disabled);
    field.form.requestSubmit(button);
  }

  function prepare(box, wanted) {
    const field = document.getElementById(box.dataset.scan);
    const start = box.querySelector("[data-scan-start]");
    const panel = box.querySelector("dialog");
    const video = box.querySelector("video");
    const refused = box.querySelector("[data-scan-refused]");
    let stream = null;

    async function watch(detector) {
      while (panel.open && panel.isConnected) {
        const found = await detector.detect(video).catch(() => []);
        if (found.length && panel.open) {
          panel.close();
          send(field, found[0].rawValue);
          return;
        }
        await new Promise((resolve) => window.setTimeout(resolve, PAUSE));
      }
      darken();
    }

    // However the panel closes, the camera's light goes out.
    function darken() {
      for (const track of stream?.getTracks() ?? []) {
        track.stop();
      }
      stream = null;
      video.srcObject = null;
    }

    async function open() {
      refused.hidden = true;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
      } catch {
        refused.hidden = false;
        field.focus();
        return;
      }
      video.srcObject = stream;
      panel.showModal();
      // Until the first picture is there, looking for a code finds none.
      video.play().catch(() => undefined);
      watch(new window.BarcodeDetector({ formats: wanted }));
    }

    panel.addEventListener("close", () => {
      darken();
      field.focus();
    });
    box.querySelector("[data-scan-stop]").addEventListener("click", () => panel.close());
    start.addEventListener("click", open);
    start.hidden = false;
  }

  async function begin() {
    const wanted = await formats().catch(() => []);
    for (const box of document.querySelectorAll("[data-scan]:not([data-ready])")) {
      box.dataset.ready = "yes";
      if (wanted.length) {
        prepare(box, wanted);
      } else {
        box.querySelector("[data-scan-never]").hidden = false;
      }
    }
  }

  begin();
  document.addEventListener("till:shown", begin);
})();

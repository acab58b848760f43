// Count the audience anew when another one is chosen. Without this the count is that of the page as it was made.
(() => {
  "use strict";
  const output = document.getElementById("audience-count");
  const fields = ["id_segment", "id_store", "id_gateway"].map((id) => document.getElementById(id)).filter(Boolean);
  if (!output || !fields.length) return;
  let latest = 0;
  const count = async () => {
    const turn = ++latest;
    const query = new URLSearchParams(fields.map((field) => [field.name, field.value]));
    output.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${output.dataset.url}?${query}`, { headers: { Accept: "application/json" } });
      const { text } = await answer.json();
      if (turn === latest) output.textContent = text;
    } catch {
      if (turn === latest) output.textContent = "";
    } finally {
      if (turn === latest) output.removeAttribute("aria-busy");
    }
  };
  for (const field of fields) field.addEventListener("change", count);
})();

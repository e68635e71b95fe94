/* Live regions are refreshed also while something inside them is open or being typed: what people did there is carried
   over into the new region, so that neither they nor the figures lose anything. */
(() => {
  const isLive = (region) => (region.getAttribute("hx-trigger") || "").startsWith("every");
  const nameOf = (details) => details.querySelector("summary")?.textContent.trim();
  const fieldOf = (field) => field.id || `${field.form ? field.form.getAttribute("action") : ""} ${field.name}`;
  const fieldsOf = (region) => [...region.querySelectorAll("input:not([type=hidden]), textarea, select")];
  let composing = false;
  let last = null;

  document.addEventListener("compositionstart", () => { composing = true; });
  document.addEventListener("compositionend", () => { composing = false; });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isLive(event.target) && (document.hidden || composing || !event.target.getClientRects().length)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const region = event.detail.target;
    if (!isLive(region)) return;
    const active = region.contains(document.activeElement) ? document.activeElement : null;
    last = {
      id: region.id,
      open: [...region.querySelectorAll("details[open]")].map(nameOf),
      typed: fieldsOf(region).map((field) => [fieldOf(field), field.value, field.checked]),
      focus: active && { field: active.matches("input, textarea, select") ? fieldOf(active) : null, id: active.id,
        start: active.selectionStart, end: active.selectionEnd, text: active.textContent.trim(), tag: active.tagName },
    };
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!last) return;
    const region = document.getElementById(last.id);
    const before = last;
    last = null;
    if (!region) return;
    region.querySelectorAll("details").forEach((details) => { if (before.open.includes(nameOf(details))) details.open = true; });
    const typed = new Map(before.typed.map(([name, value, checked]) => [name, [value, checked]]));
    fieldsOf(region).forEach((field) => {
      const was = typed.get(fieldOf(field));
      if (was) [field.value, field.checked] = was;
    });
    restoreFocus(region, before.focus);
  });

  function restoreFocus(region, was) {
    if (!was) return;
    const candidates = was.field !== null
      ? fieldsOf(region).filter((field) => fieldOf(field) === was.field)
      : [...region.querySelectorAll(was.tag)].filter((one) => (was.id ? one.id === was.id : one.textContent.trim() === was.text));
    const [target] = candidates;
    if (!target) return;
    target.focus({ preventScroll: true });
    if (was.field !== null && was.start !== null && target.setSelectionRange) {
      try { target.setSelectionRange(was.start, was.end); } catch { /* not a text field */ }
    }
  }
})();
/* One press is one press: a form marked so cannot be sent twice by a double click. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-cc-once]")) return;
  if (form.dataset.ccSent) { event.preventDefault(); return; }
  form.dataset.ccSent = "1";
  window.setTimeout(() => { delete form.dataset.ccSent; }, 4000);
});

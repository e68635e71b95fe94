/* Live regions wait while somebody types or has something open inside them: a refresh must not take it away. */
document.addEventListener("htmx:beforeRequest", (event) => {
  const region = event.target;
  if (!(region.getAttribute("hx-trigger") || "").startsWith("every")) return;
  const typing = region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  const open = region.querySelector("details[open] form");
  if (typing || open || document.hidden) event.preventDefault();
});
/* One press is one press: a form marked so cannot be sent twice by a double click. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-cc-once]")) return;
  if (form.dataset.ccSent) { event.preventDefault(); return; }
  form.dataset.ccSent = "1";
  window.setTimeout(() => { delete form.dataset.ccSent; }, 4000);
});

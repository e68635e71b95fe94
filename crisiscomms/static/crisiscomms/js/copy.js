/* <button data-cc-copy="#id"> copies that element's text (or a field's value), <button data-cc-copy-text="…"> the text itself.
   The button says "Copied" for two seconds, and so does a polite status for who cannot see it. */
(() => {
  "use strict";

  const SHOWN = 2000;
  let status;

  function say(text) {
    if (!status) {
      status = document.createElement("div");
      status.className = "visually-hidden";
      status.setAttribute("role", "status");
      document.body.append(status);
    }
    status.textContent = text;
  }

  function textOf(button) {
    if (button.dataset.ccCopyText !== undefined) return button.dataset.ccCopyText;
    const source = document.querySelector(button.dataset.ccCopy);
    if (!source) return null;
    return "value" in source ? source.value : source.innerText.trim();
  }

  async function put(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Without https there is no clipboard: select a field and use the older way.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("copying was refused");
  }

  function answer(button, text) {
    say(text);
    if (button.dataset.ccBusy) return;
    const label = button.querySelector("[data-cc-label]");
    const before = label ? label.textContent : button.getAttribute("aria-label");
    const write = (words) => (label ? (label.textContent = words) : before && button.setAttribute("aria-label", words));
    button.dataset.ccBusy = "1";
    write(text);
    setTimeout(() => {
      write(before);
      delete button.dataset.ccBusy;
      say("");
    }, SHOWN);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-cc-copy], [data-cc-copy-text]");
    const text = button && textOf(button);
    if (!button || text === null) return;
    try {
      await put(text);
      answer(button, "Copied");
    } catch {
      answer(button, "Could not copy");
    }
  });
})();

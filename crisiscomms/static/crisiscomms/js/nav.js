/* Small help for people with a keyboard. Everything works without it.
   A link with data-cc-key="c" is followed when C is pressed outside a field; Ctrl-K (Cmd-K) opens the palette from
   anywhere, Ctrl-Enter in a field presses its form's [data-cc-enter]; [data-cc-keys] switches all that off and on. */
(() => {
  "use strict";

  const FIELDS = "input, textarea, select, [contenteditable]:not([contenteditable=false])";

  function areOn() {
    try {
      return localStorage.getItem("cc-keys") !== "off";
    } catch {
      return true;
    }
  }

  function showSwitches() {
    for (const button of document.querySelectorAll("[data-cc-keys]")) {
      button.hidden = false;
      button.textContent = areOn() ? "Shortcut keys: on" : "Shortcut keys: off";
    }
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.cc-phonemenu[open]")) {
      if (menu.contains(except)) continue;
      const hadFocus = menu.contains(document.activeElement);
      menu.open = false;
      if (hadFocus) menu.querySelector("summary").focus();
    }
  }

  function follow(event) {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
    if (!isPlain || !event.key || event.defaultPrevented || event.target.closest?.(FIELDS) || !areOn()) return;
    const link = document.querySelector(`[data-cc-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!link || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    link.click();
  }

  function withControl(event) {
    if (event.altKey || event.shiftKey || event.isComposing || event.defaultPrevented || !areOn()) return;
    const wanted = event.key === "Enter" ? event.target.form?.querySelector("[data-cc-enter]")
      : event.key?.toLowerCase() === "k" ? document.querySelector("[data-cc-palette]") : null;
    if (!wanted || (event.key !== "Enter" && document.querySelector("dialog[open]"))) return;
    event.preventDefault();
    wanted.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus(null);
    else if (event.ctrlKey || event.metaKey) withControl(event);
    else follow(event);
  });

  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    if (!event.target.closest("[data-cc-keys]")) return;
    try {
      localStorage.setItem("cc-keys", areOn() ? "off" : "on");
    } catch { /* Without storage the keys stay as they are. */ }
    showSwitches();
  });

  const summary = document.querySelector("[data-cc-errors]");
  if (summary) summary.focus();
  showSwitches();
})();

/* The command palette over the search page. Without it the same links lead to the page; nav.js has the keys. */
(() => {
  "use strict";

  const dialog = document.getElementById("palette");
  if (!dialog || !dialog.showModal) return;
  const field = document.getElementById("palette-q");
  const list = document.getElementById("palette-list");
  const say = document.getElementById("palette-say");
  let before = null, timer = 0, under = null;

  const options = () => [...list.querySelectorAll('[role="option"]')];
  const chosen = () => list.querySelector('[aria-selected="true"]');
  const enough = (text) => text.length !== 1 || /\d/.test(text);

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    field.removeAttribute("aria-activedescendant");
    if (!option) return;
    option.setAttribute("aria-selected", "true");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const none = fresh.querySelector("[data-cc-none]");
    list.replaceChildren(...(none ? [] : fresh.body.childNodes));
    const found = options();
    say.textContent = none ? none.textContent : "";
    field.setAttribute("aria-expanded", String(found.length > 0));
    list.hidden = !found.length;
    // With words typed, Enter goes to the first; without, nothing is chosen by itself.
    choose(field.value.trim() ? found[0] : null);
  }

  async function ask() {
    const text = field.value.trim();
    under?.abort();
    if (!enough(text)) return;
    const mine = under = new AbortController();
    try {
      const answer = await fetch(`${dialog.dataset.ccLive}?${new URLSearchParams({ q: text })}`, {
        credentials: "same-origin", headers: { "HX-Request": "true" }, signal: mine.signal,
      });
      // Signed out meanwhile: the page leads to sign-in and back.
      if (answer.redirected) return void dialog.querySelector("form").requestSubmit();
      if (answer.status >= 500) throw new Error("no answer");
      const html = await answer.text();
      if (under === mine) show(html);
    } catch (error) {
      if (error.name !== "AbortError") show('<p data-cc-none>The server does not answer. Press Enter to try the search page.</p>');
    }
  }

  function open() {
    if (document.querySelector("dialog[open]")) return;
    before = document.activeElement;
    field.value = "";
    show("");
    dialog.showModal();
    field.focus();
    ask();
  }

  function step(by) {
    const found = options();
    if (!found.length) return;
    const at = found.indexOf(chosen());
    choose(found[at < 0 ? (by > 0 ? 0 : found.length - 1) : (at + by + found.length) % found.length]);
  }

  field.addEventListener("input", () => {
    // What stands there answers older words: Enter must not follow it.
    choose(null);
    clearTimeout(timer);
    under?.abort();
    timer = setTimeout(ask, 150);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      chosen().click();
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-cc-close]")) dialog.close();
    // A link to the page one is on only moves within it.
    else if (event.target.closest('[role="option"]')) setTimeout(() => dialog.close());
  });
  dialog.addEventListener("close", () => {
    clearTimeout(timer);
    under?.abort();
    before?.focus?.();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-cc-palette]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open();
  });
})();

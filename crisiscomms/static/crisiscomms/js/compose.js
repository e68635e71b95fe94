/* The composer: save as one types, keep both when somebody else was first, insert fields. Works without: Save is a button. */
(() => {
  const form = document.getElementById("compose");
  if (!form || !form.dataset.ccAutosave || form.querySelector("fieldset").disabled) return;
  const saved = document.getElementById("saved");
  let timer = 0, running = false, again = false, failed = false, last = "";

  const typed = () => new URLSearchParams(new FormData(form)).toString();
  const say = (text) => { if (saved) saved.textContent = text; };

  async function save() {
    if (running) { again = true; return; }
    const body = typed();
    if (body === last) return;
    running = true;
    say("Saving…");
    try {
      const answer = await fetch(form.dataset.ccAutosave, {
        method: "POST", body, credentials: "same-origin",
        headers: { "Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true" },
      });
      if (answer.status >= 500 || answer.redirected) throw new Error("not saved");
      show(await answer.text(), answer.ok);
      last = typed();
      failed = !answer.ok;
    } catch {
      failed = true;
      say("Not saved: the server does not answer. Your text is still here; it is tried again.");
      timer = setTimeout(save, 5000);
    } finally {
      running = false;
    }
    if (again) { again = false; schedule(); }
  }

  function show(html, ok) {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("panel");
    const panel = document.getElementById("panel");
    if (!fresh || !panel) { say("Not saved: sign in again in another tab, then go on here."); return; }
    panel.replaceWith(fresh);
    if (window.htmx) window.htmx.process(fresh);
    if (ok) {
      document.getElementById("id_revision").value = fresh.dataset.ccRevision;
      say("Saved " + new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
    } else {
      say("Not saved: " + (fresh.dataset.ccFault || "see the checks."));
    }
  }

  function schedule() { clearTimeout(timer); timer = setTimeout(save, 700); }

  last = typed();
  form.addEventListener("input", schedule);
  window.addEventListener("beforeunload", (event) => { if (failed || typed() !== last) { save(); event.preventDefault(); } });
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (running) {
      // The save under way moves the revision: wait for it, then press again.
      const submitter = event.submitter;
      event.preventDefault();
      const wait = setInterval(() => { if (!running) { clearInterval(wait); form.requestSubmit(submitter); } }, 50);
      return;
    }
    failed = false;
    last = typed();
  });

  for (const chips of form.querySelectorAll("[data-cc-fields]")) {
    chips.hidden = false;
    chips.addEventListener("click", (event) => {
      const chip = event.target.closest("[data-cc-insert]");
      const area = document.getElementById(chips.dataset.ccFields);
      if (!chip || !area) return;
      area.setRangeText("{{ " + chip.dataset.ccInsert + " }}", area.selectionStart, area.selectionEnd, "end");
      area.focus();
      schedule();
    });
  }
})();

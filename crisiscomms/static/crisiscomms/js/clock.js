/* Live clocks. The words are those of crisiscomms/wording.py: change both or neither.

   <html data-cc-now="ISO">                       the server's moment, so a wrong clock on this machine does not matter
   <time data-cc-due="ISO" data-cc-soon="900">    "in 21 min", "6 min late"; a .cc-due around it changes its look
   <time data-cc-due="ISO" data-cc-format="clock">  "8:42", down to "0:00"; then it sends "cc:zero", once
   <b data-cc-wall="60">                          the time of day, that many minutes east of UTC

   Elements are looked up on every tick, so what htmx swaps in runs too. */
(() => {
  "use strict";

  const SECOND = 1000;
  const STATES = { due: "g-clock", soon: "g-soon", late: "g-late" };
  const NBSP = "\u00a0";
  const running = new WeakSet();

  function skew() {
    const told = Date.parse(document.documentElement.dataset.ccNow || "");
    const [entry] = performance.getEntriesByType("navigation");
    try {
      // A page out of the browser's history carries an old moment: use what this tab learned before.
      const kept = sessionStorage.getItem("cc-skew");
      if (entry && entry.type === "back_forward" && kept !== null) return Number(kept);
      if (!Number.isNaN(told)) sessionStorage.setItem("cc-skew", String(told - Date.now()));
    } catch { /* Storage may be switched off; the page's own moment will do. */ }
    return Number.isNaN(told) ? 0 : told - Date.now();
  }

  const offset = skew();
  const two = (number) => String(number).padStart(2, "0");

  function digits(seconds) {
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  }

  function span(minutes) {
    const days = Math.floor(minutes / 1440);
    const hours = Math.floor(minutes / 60) % 24;
    const parts = days ? [[days, "d"], [hours, "h"]] : [[hours, "h"], [minutes % 60, "min"]];
    return parts.filter(([count]) => count).map(([count, unit]) => count + NBSP + unit).join(" ");
  }

  function words(seconds) {
    if (seconds < 0) return `${seconds > -60 ? digits(-seconds) : span(Math.floor(-seconds / 60))} late`;
    if (seconds <= 120) return `in ${digits(seconds)}`;
    const minutes = Math.ceil(seconds / 60);
    return `in ${minutes >= 2880 ? Math.floor(minutes / 1440) + NBSP + "d" : span(minutes)}`;
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function mark(element, seconds) {
    const box = element.closest(".cc-due");
    if (!box) return;
    const soon = Number(element.dataset.ccSoon || 900);
    const state = seconds < 0 ? "late" : seconds <= soon ? "soon" : "due";
    if (box.classList.contains(`is-${state}`)) return;
    for (const name of Object.keys(STATES)) box.classList.toggle(`is-${name}`, name === state);
    const use = box.querySelector("use");
    if (use) use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#${STATES[state]}`);
  }

  function ring(element, left) {
    if (left > 0) running.add(element);
    else if (running.delete(element)) element.dispatchEvent(new CustomEvent("cc:zero", { bubbles: true }));
  }

  function show(element, now) {
    const left = Date.parse(element.dataset.ccDue) - now;
    if (Number.isNaN(left)) return;
    const seconds = Math.ceil(left / SECOND);
    const isClock = element.dataset.ccFormat === "clock";
    write(element, isClock ? digits(Math.max(0, seconds)) : words(seconds));
    mark(element, seconds);
    if (isClock) ring(element, left);
  }

  function showWall(element, now) {
    const there = new Date(now + Number(element.dataset.ccWall) * 60 * SECOND);
    write(element, `${two(there.getUTCHours())}:${two(there.getUTCMinutes())}`);
  }

  function tick() {
    const now = Date.now() + offset;
    for (const element of document.querySelectorAll("[data-cc-due]")) show(element, now);
    for (const element of document.querySelectorAll("[data-cc-wall]")) showWall(element, now);
  }

  function everySecond() {
    tick();
    setTimeout(everySecond, SECOND - ((Date.now() + offset) % SECOND) + 5);
  }

  everySecond();
  document.addEventListener("htmx:afterSwap", tick);
  document.addEventListener("visibilitychange", () => document.hidden || tick());
})();

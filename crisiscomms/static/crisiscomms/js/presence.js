/* The bell of a page that says who is there also tells whether one writes: typed in a form of the page just now. */
(() => {
  let typed = -Infinity;
  document.addEventListener("input", (event) => { if (event.target.closest("main form")) typed = performance.now(); });
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.matches("[data-cc-presence]") && performance.now() - typed < 20000) event.detail.parameters.writing = "1";
  });
})();

/* <a href="#id" data-cc-opens> opens the <dialog id="id"> in front of everything; a link with data-cc-closes in it closes it.
   Escape closes it too, and the focus goes back to what opened it. Without the script the same links show and hide it
   in its place on the page (`:target`). */
(() => {
  "use strict";

  function open(link) {
    const dialog = document.getElementById(link.getAttribute("href").slice(1));
    if (!dialog || dialog.open) return;
    dialog.addEventListener("close", () => link.focus(), { once: true });
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-cc-opens], [data-cc-closes]");
    if (!link) return;
    event.preventDefault();
    if (link.hasAttribute("data-cc-opens")) open(link);
    else link.closest("dialog").close();
  });
})();

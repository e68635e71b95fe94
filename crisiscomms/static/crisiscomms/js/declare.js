/* Declare: keep who is told on the button in step with the answers. Without a script the page is simply re-read. */
document.addEventListener("htmx:afterSettle", () => {
  const told = document.querySelector("[data-cc-told]");
  const count = document.getElementById("told-count");
  if (told && count) count.textContent = told.dataset.ccTold;
});

/* <select data-cc-zone> starts with the browser's own time zone, where it is offered and nothing was chosen yet. */
(() => {
  "use strict";

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const field of document.querySelectorAll("select[data-cc-zone]")) {
    const untouched = field.value === "UTC" && !field.form.querySelector("[aria-invalid=true]");
    if (untouched && [...field.options].some((option) => option.value === zone)) field.value = zone;
  }
})();

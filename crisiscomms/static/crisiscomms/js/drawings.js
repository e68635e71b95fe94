/* Wide drawings begin with *now* in view; a drawing that was swapped stays where its reader had scrolled it. */
(() => {
  "use strict";

  const places = new Map();

  function place(region) {
    const kept = places.get(region.id);
    const now = Number(region.dataset.ccNow) * region.scrollWidth - region.clientWidth * 0.6;
    region.scrollLeft = kept === undefined ? Math.max(0, now) : kept;
    region.addEventListener("scroll", () => places.set(region.id, region.scrollLeft), { passive: true });
  }

  const placeAll = (root) => root.querySelectorAll(".cc-scroll[data-cc-now]").forEach(place);

  placeAll(document);
  document.addEventListener("htmx:afterSwap", (event) => {
    const swapped = document.getElementById(event.detail.target.id);
    if (swapped) placeAll(swapped);
  });
})();

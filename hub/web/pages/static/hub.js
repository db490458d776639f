// Two comforts; every page is whole without them: a print button, and a hint that there is something newer.
"use strict";
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
const hint = document.querySelector("[data-events]");
if (hint && "EventSource" in window) {
  const source = new EventSource(hint.dataset.events);
  const show = () => { hint.hidden = false; };
  source.addEventListener("message", show);
  source.addEventListener("refresh", show);
  window.addEventListener("pagehide", () => source.close());
}

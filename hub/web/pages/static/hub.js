// Two comforts; every page is whole without them: a print button, and a hint that there is something newer.
"use strict";
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Reads the stream by hand: an EventSource hears only events whose names it knows, and any of them is news here.
const hint = document.querySelector("[data-events]");
const left = new AbortController();
window.addEventListener("pagehide", () => left.abort());

async function listen(address, after) {
  const answer = await fetch(after ? `${address}?after=${after}` : address, { headers: { Accept: "text/event-stream" }, signal: left.signal });
  if (!answer.ok || !answer.body) return null;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return after;
    text += value;
    after = [...text.matchAll(/^id: ?(\d+)\n/gm)].at(-1)?.[1] ?? after;
    if (/^data:/m.test(text)) {
      hint.hidden = false;
      left.abort();
    }
    text = text.slice(text.lastIndexOf("\n") + 1);
  }
}

async function keepListening() {
  for (let after = ""; after !== null && !left.signal.aborted;) {
    after = await listen(hint.dataset.events, after).catch(() => after);
    await new Promise((again) => setTimeout(again, 5000));
  }
}
if (hint) keepListening();

// Live pages: an event makes the page ask for itself again, and what is different is patched in place.
// One template draws a row, for the page and for its update; a lost connection is healed in the same way.
import { isAnyInUse, patch } from "./patching.js";
import { follow } from "./stream.js";

const SHORTEST_PAUSE = 16, LONGEST_PAUSE = 250; // milliseconds between two updates: as long as the one before took, at least a frame
const LOOK_AGAIN = 1000;
const PATIENCE = 60_000; // milliseconds for an answer: a network that hangs says nothing
const SETTLED = 5; // seconds after the last event, when what no event tells has become known as well

let isWaiting = false; // something was held back until nothing is in use any more
let isBehind = false; // the last look got no answer
let isWritten = false; // something would be lost with the page
let isPaused = false, missed = 0, isAsking = false, isDue = false, isOwn = false;
let coming = Promise.withResolvers(); // the next look, which begins after all that has happened so far

// After what one has done oneself the page moves even under the pointer: that is what one waits for. Who writes elsewhere by then
// goes on writing.
export function refreshAfterOwnAct() {
  isOwn = true;
  if (!isWriting(document.activeElement)) document.activeElement?.blur();
  return refresh();
}

function isWriting(element) {
  return element?.matches("input, textarea, select") && element.checkVisibility();
}

// Returns once the page shows what the console knew when this was called, or later.
export function refresh() {
  const { promise } = coming;
  isDue = true;
  if (!isAsking) lookWhileDue();
  return promise;
}

async function lookWhileDue() {
  isAsking = true;
  try {
    while (isDue) await look();
  } finally {
    isAsking = false;
  }
}

async function look() {
  const began = performance.now(), wasOwn = isOwn, { resolve } = coming;
  isDue = isOwn = false;
  coming = Promise.withResolvers();
  try {
    const fresh = await asked();
    isBehind = !fresh;
    if (fresh) isWaiting = patch(document, fresh, wasOwn);
  } finally {
    resolve();
  }
  const pause = Math.min(Math.max(performance.now() - began, SHORTEST_PAUSE), LONGEST_PAUSE);
  await new Promise((resume) => setTimeout(resume, pause));
}

function asked() {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest(); // parses a page without running what is in it
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = PATIENCE;
    request.onload = () => {
      const isSignedOut = new URL(request.responseURL).pathname.startsWith("/sign-in");
      if (isSignedOut && !isWritten) location.reload();
      document.getElementById("signed-out").hidden = !isSignedOut;
      resolve(isSignedOut || request.status >= 500 ? null : request.response);
    };
    request.onerror = request.ontimeout = () => resolve(null);
    request.send();
  });
}

function happened(ours, kinds) {
  const count = ours.reduce((sum, kind) => sum + (kinds[kind] ?? 0), 0);
  if (!count) return;
  if (isPaused) { missed += count; return draw(); }
  if (document.hidden) return; // who comes back to the tab asks anew
  refresh(); // what an event tells can be read when it is heard
  if (every) refreshIn(Math.min(every, SETTLED));
}

let every = 0, next; // seconds, on pages that show what no event tells

function refreshIn(seconds) {
  clearTimeout(next);
  next = setTimeout(() => {
    if (!document.hidden && !isPaused && isConnected) refresh();
    refreshIn(every);
  }, seconds * 1000);
}

const light = () => document.getElementById("live");
let isConnected = true, isDeaf = false, hasBegun = false;

function draw() {
  const said = isPaused ? `Paused${missed ? `, ${missed} new` : ""}` : !isConnected ? "Lost" : isDeaf ? "No news" : "Live";
  light().querySelector("[data-live-words]").textContent = said;
  light().classList.toggle("is-lost", !isConnected || isDeaf);
  light().setAttribute("aria-pressed", String(isPaused));
  light().title = isPaused ? "Go on" : "Pause";
}

function stands(now) {
  const wasConnected = isConnected;
  isConnected = now;
  document.getElementById("lost").hidden = now;
  if (now && !(wasConnected && hasBegun) && !isPaused) refresh(); // events may have passed by since the page was drawn
  hasBegun ||= now;
  draw();
}

// Without the broker the console hears nothing, however well the page can talk to it.
function deaf(reason) {
  const wasDeaf = isDeaf;
  isDeaf = reason !== null;
  document.getElementById("deaf").hidden = !isDeaf;
  document.querySelector("#deaf [data-reason]").textContent = reason ?? "";
  if (wasDeaf && !isDeaf && !isPaused) refresh();
  draw();
}

export function startLive() {
  const ours = document.body.dataset.live.split(" ").filter(Boolean);
  if (!ours.length) return;
  light().hidden = false;
  light().addEventListener("click", () => {
    isPaused = !isPaused;
    missed = 0;
    draw();
    if (!isPaused) refresh();
  });
  window.addEventListener("offline", () => stands(false));
  document.addEventListener("input", ({ target }) => { isWritten ||= target.matches("form:not([method=get]) *"); });
  follow({ happened: (kinds) => happened(ours, kinds), missed: () => isPaused || refresh(), refused: () => document.hidden || refresh(), stands, deaf });
  every = Number(document.body.dataset.every);
  if (every) refreshIn(every);
  setInterval(() => { if (isConnected && !isPaused && !document.hidden && (isBehind || isWaiting && !isAnyInUse(document))) refresh(); }, LOOK_AGAIN);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !isPaused) refresh(); });
}

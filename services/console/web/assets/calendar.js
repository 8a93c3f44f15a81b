// A post is moved to another day by dragging it, or with Alt and an arrow key; its time of day stays.
import { call, Refused } from "./api.js";
import { refresh } from "./live.js";
import { tell } from "./tell.js";

const KEYS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

export function startCalendar() {
  const calendar = document.querySelector("[data-calendar]");
  if (!calendar) return;
  calendar.addEventListener("keydown", (event) => {
    const entry = event.target.closest("[data-at]");
    if (!entry || !event.altKey || !(event.key in KEYS)) return;
    event.preventDefault();
    move(entry.dataset, shifted(entry.dataset.at.slice(0, 10), KEYS[event.key]));
  });
  startDragging(calendar);
}

function startDragging(calendar) {
  let dragged;
  calendar.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-at]");
    if (dragged) event.dataTransfer.effectAllowed = "move";
  });
  calendar.addEventListener("dragover", (event) => {
    if (dragged && event.target.closest("[data-day]")) event.preventDefault();
  });
  calendar.addEventListener("drop", (event) => {
    const day = event.target.closest("[data-day]")?.dataset.day;
    if (!dragged || !day) return;
    event.preventDefault();
    if (day !== dragged.dataset.at.slice(0, 10)) move(dragged.dataset, day);
    dragged = null;
  });
}

function shifted(day, days) {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

async function move({ post, account, at, zone }, day) {
  const to = `${day}T${at.slice(11)}`;
  const identity = `${post} ${account}`;
  try {
    await send(post, account, to, zone);
    tell(`Moved from ${words(at)} to ${words(to)}.`, () => takeBack(post, account, at, zone));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell(`${error.message} It stays on ${words(at)}.`);
  }
  await refresh(true);
  focusOn(identity);
}

async function takeBack(post, account, at, zone) {
  try {
    await send(post, account, at, zone);
    tell(`Back on ${words(at)}.`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell(error.message);
  }
  await refresh(true);
}

function send(post, account, local, zone) {
  return call("PATCH", `/v1/posts/${encodeURIComponent(post)}`, { publish_at: { local, zone }, account_ids: [account] });
}

function words(local) {
  return local.replace("T", ", ");
}

function focusOn(identity) {
  requestAnimationFrame(() => document.querySelector(`[data-key="${CSS.escape(identity)}"] a`)?.focus());
}

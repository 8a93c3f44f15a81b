// A post is moved by dragging it, or with Alt and an arrow key: its old and new time are shown before it is done.
// The server says what a time on the clock is: which instant, whether the clocks skip it, what else is due then.
import { call, Refused } from "./api.js";
import { showRefusal } from "./fields.js";
import { refreshAfterOwnAct } from "./live.js";
import { tell } from "./tell.js";

const DAY = 86_400_000, HOUR = 3_600_000;
const FOLLOWED_FOR = 5000; // milliseconds in which the focus follows a post that was moved
const NOON = "0000-00-00T12:00:00"; // for a post of which only the day is known
const PAUSE = 150; // milliseconds after a key, so that the server is asked for the last time only

export function startCalendar() {
  const calendar = document.querySelector("[data-calendar]");
  const dialog = document.getElementById("move");
  if (!calendar || !dialog) return;
  const moving = startDialog(dialog);
  const keys = calendar.dataset.calendar === "7" ? { ArrowLeft: -DAY, ArrowRight: DAY, ArrowUp: -7 * DAY, ArrowDown: 7 * DAY } : { ArrowLeft: -DAY, ArrowRight: DAY, ArrowUp: -HOUR, ArrowDown: HOUR };
  document.addEventListener("keydown", (event) => {
    const link = event.target.closest("[data-at]");
    if (!event.altKey || !(event.key in keys) || !(link || dialog.open)) return;
    event.preventDefault();
    if (link) moving.begin(link, later(link.dataset.at, keys[event.key]));
    else moving.propose(keys[event.key]);
  });
  startDragging(calendar, moving);
  startWriting(calendar);
}

// A click where nothing is leads to a post for that day or hour.
function startWriting(calendar) {
  const freePlace = (target) => {
    const place = target.closest("a, li li, td li") ? null : placeOf(target);
    return place && !place.matches(".is-skipped") && (place.matches(".is-today") || timeAt(place, NOON) > calendar.dataset.now) ? place : null;
  };
  calendar.addEventListener("mouseover", ({ target }) => placeOf(target)?.classList.toggle("is-free", Boolean(freePlace(target))));
  calendar.addEventListener("click", ({ target }) => { if (getSelection().isCollapsed && freePlace(target)) write(freePlace(target)); });
}

// Later today it is for the next hour, as without a time.
function write(place) {
  const zone = new URLSearchParams(location.search).get("zone");
  const at = place.matches(".is-today") ? {} : { at: timeAt(place, NOON) };
  location.assign(`/compose?${new URLSearchParams({ ...at, ...(zone ? { zone } : {}) })}`);
}

// Times on the clock are reckoned as such; the server makes instants of them.
function later(local, span) {
  return new Date(Date.parse(`${local}Z`) + span).toISOString().slice(0, 19);
}

function startDragging(calendar, moving) {
  let dragged, over;
  const show = (place) => { over?.classList.remove("is-drop"); over = place; over?.classList.add("is-drop"); };
  calendar.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-at]");
    if (dragged) event.dataTransfer.effectAllowed = "move";
  });
  calendar.addEventListener("dragover", (event) => {
    if (!dragged || !placeOf(event.target)) return;
    event.preventDefault();
    show(placeOf(event.target));
  });
  calendar.addEventListener("dragend", () => { show(null); dragged = null; });
  calendar.addEventListener("drop", (event) => {
    const place = placeOf(event.target);
    if (!dragged || !place) return;
    event.preventDefault();
    const to = timeAt(place, dragged.dataset.at);
    if (to !== dragged.dataset.at) moving.begin(dragged, to);
  });
}

const placeOf = (target) => target.closest("td, .day");

// Of a day the date, of an hour the hour too; minutes and seconds stay.
function timeAt(place, at) {
  if (place.matches(".day")) return `${place.dataset.key}T${at.slice(11)}`;
  const { day } = place.closest("table").tHead.rows[0].cells[place.cellIndex].dataset;
  return `${day}T${place.parentElement.dataset.key.slice(1).padStart(2, "0")}:${at.slice(14)}`;
}

function startDialog(dialog) {
  const form = dialog.querySelector("form");
  const { to } = form.elements;
  const problem = form.querySelector('[role="alert"]');
  const button = form.querySelector('[type="submit"]');
  let post, link, proposal, timer;

  function wait() {
    proposal = null;
    button.setAttribute("aria-disabled", "true");
  }

  function show(answer) {
    proposal = answer;
    for (const name of ["text", "account", "before", "after"]) dialog.querySelector(`[data-${name}]`).textContent = answer[name];
    dialog.querySelector("[data-notes]").replaceChildren(...answer.notes.map(line));
    button.setAttribute("aria-disabled", String(!answer.is_possible));
  }

  async function ask() {
    problem.hidden = true;
    const asked = to.value, about = post;
    try {
      const answer = await call("GET", `/calendar/move?${new URLSearchParams({ ...about, to: asked, zone: dialog.dataset.zone })}`);
      if (isShown(about) && asked === to.value) show(answer);
    } catch (error) {
      if (isShown(about) || !(error instanceof Refused)) refuse(about, error);
    }
  }

  // An answer may come when the dialog is closed, or is about another post.
  function isShown(about) {
    return dialog.open && post === about;
  }

  function refuse(about, error) {
    if (!(error instanceof Refused)) throw error;
    if (isShown(about)) showRefusal(form, error);
    else tell(`${about.account_id}: ${error.message}`);
  }

  async function move(event) {
    event.preventDefault();
    if (!proposal?.is_possible) return; // nobody has seen yet what it means
    const { revision, before, after, before_at: instant } = proposal, moved = post;
    wait();
    try {
      const answer = await send(moved, { local: to.value, zone: dialog.dataset.zone }, revision);
      if (isShown(moved)) dialog.close();
      const at = answer.accepted[0]?.revision;
      tell(answer.pending ? `Asked for: from ${before} to ${after}. It is not answered yet.` : `Moved from ${before} to ${after}.`, () => takeBack(moved, instant, before, at));
      await refreshAfterOwnAct();
      focusOn(moved);
    } catch (error) {
      refuse(moved, error);
    }
  }

  form.addEventListener("submit", move);
  form.querySelector("[data-leave]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => link?.focus());
  const askSoon = () => { wait(); clearTimeout(timer); if (to.value) timer = setTimeout(ask, PAUSE); };
  to.addEventListener("input", askSoon);

  function propose(span) {
    if (to.value) to.value = later(to.value, span); // half a time reads as none
    askSoon();
  }

  function begin(from, local) {
    link = from;
    post = { post_id: decodeURIComponent(new URL(from.href).pathname.slice("/posts/".length)), account_id: from.querySelector("b").textContent };
    for (const name of ["text", "account", "before", "after"]) dialog.querySelector(`[data-${name}]`).textContent = "";
    dialog.querySelector("[data-notes]").replaceChildren();
    to.value = local;
    wait();
    dialog.showModal();
    button.focus();
    ask();
  }
  return { begin, propose };
}

function line(words) {
  const one = document.createElement("li");
  one.textContent = words;
  return one;
}

async function takeBack(post, instant, words, revision) {
  try {
    await send(post, instant, revision);
    tell(`Back on ${words}.`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell(error.message);
  }
  await refreshAfterOwnAct();
  focusOn(post);
}

function send({ post_id, account_id }, publish_at, revision) {
  const expected = revision ? { expected_revision: revision } : {};
  return call("PATCH", `/v1/posts/${encodeURIComponent(post_id)}`, { publish_at, account_ids: [account_id], ...expected });
}

// The entry is drawn anew where it has been moved to, at once or with the next event: the focus goes with it.
function focusOn({ post_id, account_id }) {
  const calendar = document.querySelector("[data-calendar]");
  const address = `/posts/${encodeURIComponent(post_id)}`;
  const focus = () => {
    if (document.activeElement !== document.body) return;
    const links = calendar.querySelectorAll(`a[href="${CSS.escape(address)}"]`);
    [...links].find((link) => link.querySelector("b").textContent === account_id)?.focus();
  };
  const observer = new MutationObserver(focus);
  observer.observe(calendar, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), FOLLOWED_FOR);
  focus();
}

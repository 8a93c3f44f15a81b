// What was asked for and is not answered yet: it stands on the post's page until it is true, after a reload as well.
import { read, write } from "./storage.js";
import { tell } from "./tell.js";

const KEPT = "timeball-pending";
const WHOLE = "every account"; // all on which it is still to come, and of which there may be none any more

const place = () => document.getElementById("pending");
const notes = () => JSON.parse(read("sessionStorage", KEPT) ?? "[]");
const keep = (all) => write("sessionStorage", KEPT, JSON.stringify(all));
const isOf = (article) => (note) => note.post === place().dataset.post && note.account === article.dataset.key;

export function notePending(article, said, asked) {
  const { key: account, etag, state } = article.dataset;
  keep([...notes().filter((note) => !isOf(article)(note)), { post: place().dataset.post, account, said, etag, state, asked }]);
  draw();
}

export function isNoted(article) {
  return notes().some(isOf(article));
}

// A note is over when the post has become another, or when its request was refused.
function settle() {
  const left = [];
  for (const note of notes()) {
    const article = note.post === place().dataset.post && document.querySelector(`article[data-key="${CSS.escape(note.account)}"][data-etag]`);
    if (!article && !isOver(note)) left.push(note);
    else if (!article) continue;
    else if (isRefused(note)) tell(`${note.account}: it was refused, and stays as it was.`);
    else if (article.dataset.etag !== note.etag || article.dataset.state !== note.state) tell(`${note.account}: ${note.said.toLowerCase()}.`);
    else left.push(note);
  }
  keep(left);
  draw();
  const isKnown = document.querySelector("article[data-etag]");
  const isWaited = new URLSearchParams(location.search).has("sent");
  if (isKnown && isWaited) history.replaceState(null, "", location.pathname); // it waits for its first answer no more
}

// It stands on the first page of a post's accounts, while there are two to which it is still to go.
function isOver(note) {
  const isFirst = !new URLSearchParams(location.search).has("after");
  return note.account === WHOLE && note.post === place().dataset.post && isFirst && document.querySelector("article[data-etag]");
}

function isRefused(note) {
  const refusals = [...document.querySelectorAll("[data-refused-at]")];
  const isAbout = (account) => note.account === WHOLE || [note.account, ""].includes(account);
  return refusals.some((one) => isAbout(one.dataset.account) && Date.parse(one.dataset.refusedAt) > Date.parse(note.asked));
}

function draw() {
  const here = notes().filter((note) => note.post === place().dataset.post);
  place().replaceChildren(...here.map((note) => Object.assign(document.createElement("p"), {
    textContent: `${note.account}: asked for, but not ${note.said.toLowerCase()} yet. It has not been answered; this line goes when it is.`,
  })));
}

export function startPending() {
  if (!place()) return;
  document.addEventListener("pending", (event) => notePending(event.target.closest("article[data-etag]"), event.detail.said, event.detail.asked));
  document.addEventListener("patched", settle);
  settle();
}

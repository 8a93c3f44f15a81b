// An edit of a post: what is different is sent, and only over what one has seen. What somebody else has changed meanwhile is
// shown beside one's own, which stays. An open form is never patched.
import { call, Refused } from "./api.js";
import { clearTheirs, showTheirs } from "./conflicts.js";
import { checked } from "./checking.js";
import { documentFrom } from "./documents.js";
import { serverNow } from "./clock.js";
import { clearRefusal, inWordsOf, showRefusal } from "./fields.js";
import { refreshAfterOwnAct } from "./live.js";
import { patch } from "./patching.js";
import { isNoted, notePending } from "./pending.js";
import { fillMedia, fillOptions, mediaIn, optionsIn } from "./post_fields.js";
import { tell } from "./tell.js";

const PRECONDITION_FAILED = 412;
const PAUSE = 250; // milliseconds without a key before it is asked
const seen = new WeakMap(); // by form what it said when it was opened, or when one was last told what somebody else says
const acting = new WeakSet(); // forms whose act is under way
const checks = new WeakMap(); // by form how many there have been

export function read(form) {
  const { content, publish_at: at, media, options } = form.elements;
  return { content: content.value, publish_at: at.value, media: mediaIn(media), ...(options ? { options: optionsIn(options) } : {}) };
}

export function write(form, field, value) {
  const input = form.elements[field];
  if (field === "media") fillMedia(input, value);
  else if (field === "options") fillOptions(input, value);
  else input.value = value;
}

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function changeIn(form) {
  const now = read(form), before = seen.get(form) ?? now;
  const change = Object.fromEntries(Object.entries(now).filter(([field, value]) => !isSame(value, before[field])));
  if ("publish_at" in change) {
    if (change.publish_at) change.publish_at = { local: change.publish_at, zone: form.dataset.zone };
    else delete change.publish_at;
  }
  return change;
}

async function save(form, button) {
  const change = changeIn(form);
  if (button?.hasAttribute("data-now")) change.publish_at = new Date(serverNow()).toISOString();
  if (!Object.keys(change).length) throw new Refused("Nothing is changed.");
  await act(form, "PATCH", change, "Changed");
}

// What is written while it is under way is kept, and is still to be sent.
async function act(form, method, body, said) {
  const edit = editOf(form), sent = edit && read(edit), drawer = form.closest("details");
  const isAsSent = () => !edit || isSame(read(edit), sent);
  acting.add(form);
  try {
    const answer = await call(method, form.dataset.address, body, { "If-Match": form.dataset.etag });
    if (answer.rejected.length) throw new Refused(answer.rejected.map((one) => `${one.account_id}: ${inWordsOf(form, one.reason).words}`).join("\n"));
    clearTheirs(form);
    if (isAsSent()) drawer.open = false;
    if (edit) seen.set(form, sent);
    if (answer.pending) {
      notePending(form.closest("article"), said, answer.asked_at); // it stays in the form: it may be refused yet
    } else {
      if (isAsSent()) delete drawer.dataset.unsaved;
      tell(`${said}.`);
    }
    await refreshAfterOwnAct();
    if (!answer.pending && !drawer.open && isAsSent()) form.reset(); // to what the page says now
  } finally {
    acting.delete(form);
  }
}

const editOf = (form) => form.hasAttribute("data-edit") ? form : form.closest("article").querySelector("form[data-edit]");

// Where the post is at another revision, but says what one has seen, it is done all the same.
async function carryOut(form, button) {
  const attempt = () => form.hasAttribute("data-edit") ? save(form, button) : act(form, "DELETE", undefined, "Cancelled");
  try {
    await attempt();
  } catch (error) {
    if (error.answer?.status !== PRECONDITION_FAILED || await compare(form)) throw error;
    await attempt();
  }
}

async function submit(form, button) {
  clearRefusal(form);
  if (button) button.disabled = true;
  try {
    await carryOut(form, button);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof SyntaxError)) throw error;
    const isShown = error.answer?.status === PRECONDITION_FAILED && form.querySelector("[data-theirs]").childElementCount;
    if (!isShown) showRefusal(form, error);
  } finally {
    if (button) button.disabled = false;
  }
}

// Shows what the post says now, if that is new. What one has not touched follows it; the rest is one's own until one decides.
async function compare(form) {
  const account = form.closest("article").dataset.key;
  const page = await documentFrom("GET", location.href);
  const article = page?.querySelector(`article[data-key="${CSS.escape(account)}"][data-etag]`);
  if (!article || !form.closest("details").open) return false; // what it was asked for may have been done meanwhile
  const theirs = article.querySelector("form[data-edit]");
  const isEdit = form.hasAttribute("data-edit");
  if (!theirs) {
    showTheirs(form, article, []);
    return true;
  }
  const says = read(theirs), before = seen.get(form), mine = isEdit ? read(form) : before;
  const changed = Object.keys(says).filter((field) => !isSame(says[field], before?.[field]));
  if (isEdit && isSame(mine, says)) return settled(form, article, says);
  for (const field of changed) if (isEdit && isSame(mine[field], before[field])) write(form, field, says[field]);
  seen.set(form, says);
  follow(form, article);
  if (!changed.length) return false;
  showTheirs(form, article, changed.map((field) => ({
    field, says: says[field],
    use: isEdit && !isSame(mine[field], before[field]) && !isSame(mine[field], says[field]) ? () => write(form, field, says[field]) : null,
  })));
  return true;
}

// From now on it is meant for the post as it is now, and for the accounts on which it is still to come.
function follow(form, article) {
  const fresh = article.querySelector(form.hasAttribute("data-edit") ? "form[data-edit]" : "form[data-cancel]");
  for (const name of ["etag", "address", "accounts"]) if (fresh?.dataset[name]) form.dataset[name] = fresh.dataset[name];
}

// What one has asked for oneself has come true.
function settled(form, article, says) {
  seen.set(form, says);
  follow(form, article);
  delete form.closest("details").dataset.unsaved;
  clearTheirs(form);
  return true;
}

// What the network says to it as it is being written, as on the page where posts are written.
let due;
function checkSoon(form) {
  clearTimeout(due);
  due = setTimeout(() => check(form), PAUSE);
}

async function check(form) {
  const number = (checks.get(form) ?? 0) + 1;
  checks.set(form, number);
  try {
    const { content, media, options = {}, publish_at: at } = read(form);
    const targets = JSON.parse(form.dataset.accounts).map((name) => ({ account_id: name, options }));
    const time = at && at !== seen.get(form)?.publish_at ? { publish_at: { local: at, zone: form.dataset.zone } } : {};
    const said = await checked(form, { content, media, targets, ...time });
    if (number === checks.get(form)) patch(form, said, true); // else a later one is on its way
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // told when it is saved
  }
}

// Before anything can be written: the event that tells that it is open comes later. A browser that unfolds it by itself, where
// one looks for words on the page, tells by that event alone.
function remember(details) {
  const form = details.querySelector("form");
  if (!("unsaved" in details.dataset)) seen.set(form, read(editOf(form)));
}

function toggled(details) {
  const form = details.querySelector("form");
  if (!details.open && !("unsaved" in details.dataset) && !acting.has(form)) form.reset();
  if (!details.open) return clearTheirs(form);
  remember(details);
  if (form.hasAttribute("data-edit")) check(form);
  compareOpen();
}

function written(form) {
  form.closest("details").dataset.unsaved = "";
  checkSoon(form);
}

// What is open stays as it is; that the post has changed below it is told at once.
function compareOpen() {
  for (const form of document.querySelectorAll("article[data-etag] details[data-keep][open] form[data-etag]")) {
    const article = form.closest("article");
    if (form.dataset.etag !== article.dataset.etag && !isNoted(article)) compare(form);
  }
}

export function startEditing() {
  document.addEventListener("click", (event) => {
    const summary = event.target.closest?.("details[data-keep] > summary");
    if (summary && !summary.parentElement.open) remember(summary.parentElement);
  });
  document.addEventListener("toggle", (event) => { if (event.target.matches?.("details[data-keep]")) toggled(event.target); }, true);
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-edit], form[data-cancel]")) return;
    event.preventDefault();
    submit(event.target, event.submitter);
  });
  document.addEventListener("input", (event) => { if (event.target.form?.matches("form[data-edit]")) written(event.target.form); });
  document.addEventListener("patched", compareOpen);
}

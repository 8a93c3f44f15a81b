// The compose page: a draft is kept in this browser until it is sent, and what the networks say to it is asked as one types.
import { call, Refused } from "./api.js";
import { fillMedia, mediaIn, optionsIn } from "./post_fields.js";
import { keep, kept, forget } from "./draft.js";
import { checked } from "./checking.js";
import { clearRefusal, inWordsOf, reword, showRefusal } from "./fields.js";
import { startFinding } from "./find_account.js";
import { patch } from "./patching.js";

const PAUSE = 250; // milliseconds without a key before it is asked

export function startCompose() {
  const form = document.getElementById("compose");
  if (!form || form.querySelector("fieldset.barred")) return;
  offerOwn(form);
  startFinding(form);
  const draft = kept();
  if (draft) restore(form, draft);
  offerZones();
  let due;
  const checkSoon = () => { clearTimeout(due); due = setTimeout(() => check(form), PAUSE); };
  form.addEventListener("input", () => {
    form.querySelector("[data-times]").hidden = !form.elements.every.value;
    keep(draftOf(form));
    checkSoon();
  });
  form.querySelector("[data-start-over]").addEventListener("click", () => { forget(); location.assign("/compose"); });
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
  window.addEventListener("pageshow", () => { form.inert = false; }); // the browser may have kept the page as it was left
  check(form);
}

const boxes = (form) => [...form.querySelectorAll('input[name="targets"]')];
const own = (box, part) => box.closest("li").querySelector(part);

function targetsOf(form) {
  return boxes(form).filter((box) => box.checked).map((box) => {
    const content = own(box, "[data-own-text]").value, options = optionsIn(own(box, '[data-kind="options"]'));
    return { account_id: box.value, ...(content ? { content } : {}), ...(Object.keys(options).length ? { options } : {}) };
  });
}

function postOf(form) {
  const { content, publish_at: at, zone, media } = form.elements;
  if (at.validity.badInput) throw new Refused("publish_at: complete it, or leave it empty to publish at once."); // half a time reads as none
  const post = { post_id: form.dataset.post, content: content.value, media: mediaIn(media), targets: targetsOf(form) };
  return at.value ? { ...post, publish_at: { local: at.value, zone: zone.value.trim() } } : post;
}

function repeatOf(form) {
  const { every, times } = form.elements;
  if (!every.value) return null;
  if (!times.validity.valid) throw new Refused(`repeat.times: write a number from ${times.min} to ${times.max}.`);
  return { every: every.value, times: times.valueAsNumber };
}

function draftOf(form) {
  const { content, publish_at: at, zone, media, every, times } = form.elements;
  const owns = boxes(form).map((box) => [box.value, {
    chosen: box.checked, text: own(box, "[data-own-text]").value,
    fields: [...own(box, '[data-kind="options"]').querySelectorAll("input, select, textarea")].map((field) => field.value),
  }]);
  return { post: form.dataset.post, sent: "sent" in form.dataset, content: content.value, media: mediaIn(media), at: at.value, zone: zone.value, every: every.value, times: times.value, accounts: Object.fromEntries(owns) };
}

// The id is kept as well: what is sent again after a reload is the same post, not another one.
function restore(form, draft) {
  const { content, publish_at: at, zone, media, every, times } = form.elements;
  form.dataset.post = draft.post ?? form.dataset.post;
  if (draft.sent) form.dataset.sent = "";
  content.value = draft.content ?? "";
  fillMedia(media, draft.media ?? []);
  if (!form.dataset.at) { // else a time is asked for, in the zone of whoever asks
    at.value = draft.at ?? at.value;
    zone.value = draft.zone || zone.value;
  }
  every.value = draft.every ?? "";
  times.value = draft.times || times.value;
  form.querySelector("[data-times]").hidden = !every.value;
  for (const box of boxes(form)) restoreOwn(box, draft.accounts?.[box.value]);
}

function restoreOwn(box, kept) {
  if (!kept) return;
  box.checked = kept.chosen;
  own(box, "[data-own-text]").value = kept.text;
  const fields = [...own(box, '[data-kind="options"]').querySelectorAll("input, select, textarea")];
  if (fields.length === kept.fields.length) fields.forEach((field, index) => { field.value = kept.fields[index]; });
  own(box, "details").open = Boolean(kept.text || kept.fields.some(Boolean));
}

// What each account has of its own is sent once, and the options once for each network: the page stays small.
function offerOwn(form) {
  for (const box of boxes(form)) {
    const place = box.closest("li"), options = form.querySelector(`template[data-options="${place.dataset.optionsOf}"]`);
    place.append(form.querySelector("template[data-own]").content.cloneNode(true));
    const count = own(box, "[data-count]");
    count.dataset.count = box.value;
    count.dataset.region = `count ${box.value}`;
    own(box, "[data-own-name]").textContent = box.value;
    own(box, "[data-own-options]").append(options.content.cloneNode(true));
  }
}

function offerZones() {
  const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
  document.getElementById("zones").replaceChildren(...zones.map((name) => Object.assign(document.createElement("option"), { value: name })));
}

let asked = 0;
let isUnreadable = false;

async function check(form) {
  const number = asked += 1;
  let written;
  try {
    written = { ...postOf(form), repeat: repeatOf(form) };
  } catch (error) {
    isUnreadable = true;
    return show(form, inWordsOf(form, error.message).words);
  }
  if (isUnreadable) show(form, ""); // what a sending came to stays until the next one
  isUnreadable = false;
  const said = await checked(form, written);
  if (number !== asked) return; // a later one is on its way
  patch(document, said, true);
  for (const box of boxes(form)) if (!box.checked) own(box, "[data-count]").replaceChildren();
}

async function send(form) {
  const button = form.querySelector('button[type="submit"]');
  button.disabled = form.inert = true; // what is written while it is sent would be lost
  clearRefusal(form);
  isUnreadable = false; // what the check has said is gone: what is said now stays until the next sending
  try {
    await sendPost(form, postOf(form), repeatOf(form));
  } catch (error) {
    form.inert = false;
    if (!(error instanceof Refused || error instanceof SyntaxError)) throw error;
    showRefusal(form, error);
  } finally {
    button.disabled = false;
  }
}

async function sendPost(form, post, repeat) {
  if (!post.targets.length) throw new Refused("Choose at least one account.", { field: "targets" });
  if (post.targets.some((one) => !(one.content ?? post.content).trim()) && !post.media.length) throw new Refused("Write a text, or add a picture.", { field: "content" });
  if (repeat && !post.publish_at) throw new Refused("Choose the first time of those that repeat.", { field: "publish_at" });
  if (!repeat) {
    const answer = await ask(form, post, (one) => call("POST", "/v1/posts", one));
    return settle(form, answer.rejected, `/posts/${encodeURIComponent(post.post_id)}?sent=${encodeURIComponent(answer.correlation_id)}`);
  }
  const answer = await ask(form, post, (one) => call("POST", "/v1/posts:repeat", { post: one, repeat }));
  return settle(form, answer.rejected, `/posts?${new URLSearchParams({ q: post.post_id })}`);
}

// What is sent for the first time takes the place of no post: another tab may have sent this draft, as something else.
async function ask(form, post, work) {
  const isFirst = !("sent" in form.dataset);
  form.dataset.sent = ""; // should no answer come, it may be there
  keep(draftOf(form));
  try {
    return await work(isFirst ? { ...post, expected_revision: 0 } : post);
  } catch (error) {
    if (isFirst && error.answer?.status < 500) delete form.dataset.sent;
    const isOthers = isFirst && error.answer?.code === "conflict";
    if (isOthers) form.dataset.post = form.dataset.post.replace(/[0-9a-f]*$/, newEnd());
    keep(draftOf(form));
    throw isOthers ? new Refused("It has been sent from another tab meanwhile, and says something else there. Schedule it again, and it becomes a post of its own.") : error;
  }
}

const newEnd = () => [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function settle(form, rejected, address) {
  forget();
  if (!rejected.length) return location.assign(address);
  form.inert = false;
  const words = rejected.map((one) => `${one.post_id}${one.account_id ? ` on ${one.account_id}` : ""}: ${inWordsOf(form, one.reason, one.account_id).words}`);
  keep(draftOf(form));
  show(form, `The others are scheduled, but not these. Mend them and send it again: what is scheduled stays as it is.\n${words.join("\n")}`);
}

function show(form, words) {
  const problem = form.querySelector('[role="alert"]');
  problem.textContent = words;
  problem.hidden = !words;
}

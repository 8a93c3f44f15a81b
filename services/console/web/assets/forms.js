// A form with data-call="METHOD /address" sends its fields to the API as JSON; with data-etag only if nothing has changed.
// A button with a data-call of its own sends them there instead.
import { call } from "./api.js";
import { refreshAfterOwnAct } from "./live.js";
import { tell } from "./tell.js";

export function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    const kind = field.dataset.kind;
    if (kind === "targets") {
      body.targets ??= [];
      if (field.checked) body.targets.push({ account_id: field.value });
    } else if (kind === "media") {
      const media = mediaIn(field.value);
      if (media.length) body[field.name] = media;
    } else if (kind === "list") {
      body[field.name] ??= []; // an empty list means none, a missing one would mean all
      if (field.value && (field.type !== "checkbox" || field.checked)) body[field.name].push(field.value);
    } else if (kind === "local-time") {
      if (field.value && field.value !== field.defaultValue || form.dataset.then) addTime(body, field);
    } else if (field.tagName === "TEXTAREA" && field.value === field.defaultValue && !form.dataset.then) {
      continue; // unchanged: what is left out stays as it is
    } else {
      body[field.name] = field.value;
    }
  }
  return body;
}

export function mediaIn(lines) {
  return lines.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const [url, ...alt] = line.split(/\s+/);
    return alt.length ? { url, alt: alt.join(" ") } : { url };
  });
}

function addTime(body, field) {
  if (field.value) body[field.name] = { local: field.value, zone: field.dataset.zone };
}

async function send(form, submitter) {
  const { call: where, done } = submitter?.dataset.call ? submitter.dataset : form.dataset;
  const [method, address] = where.split(" ");
  const problem = form.querySelector('[role="alert"]');
  const button = submitter ?? form.querySelector('button[type="submit"]');
  const body = bodyOf(form);
  if (problem) problem.hidden = true;
  button.disabled = true;
  try {
    const seen = form.dataset.etag ? { "If-Match": form.dataset.etag } : {};
    const answer = await call(method, address, method === "DELETE" || !Object.keys(body).length ? undefined : body, seen);
    if (form.dataset.then) {
      form.dispatchEvent(new CustomEvent("sent"));
      location.assign(form.dataset.then);
      return;
    }
    button.closest("details")?.removeAttribute("open");
    tell(done.replace(/\{(\w+)\}/g, (_, name) => answer[name]));
    await refreshAfterOwnAct();
  } catch (error) {
    show(problem, error.message);
  } finally {
    button.disabled = false;
  }
}

function show(problem, words) {
  if (!problem) return tell(words);
  problem.textContent = words;
  problem.hidden = false;
}

export function startForms() {
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-call]")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
}

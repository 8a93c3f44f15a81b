// A refusal of the API begins with the field's name there: in a form it is told by the field's label, and the field is shown.
import { tell } from "./tell.js";

const PATH = "[a-z_]\\w*(?:\\[\\d+\\])?(?:\\.\\w+(?:\\[\\d+\\])?)*";
const NAMED = new RegExp(`^${PATH}(?=: )`);
const NEXT = new RegExp(`; (?=${PATH}: )`);
const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;

// The words as the form has them, and the first field that is to blame; `find` is for forms that know better.
export function inWordsOf(form, words, account, find = fieldOf) {
  let blamed = null;
  const told = words.split(NEXT).map((part) => {
    const [path] = NAMED.exec(part) ?? [];
    const field = path ? find(form, path, account) : null;
    blamed ??= field;
    return field ? labelOf(field) + part.slice(path.length) : part;
  });
  return { words: told.join("; ").replaceAll(INSTANT, onTheClock), field: blamed };
}

function onTheClock(instant) {
  const timeZone = document.querySelector("footer strong").textContent; // the zone that the page says it shows
  return new Date(instant).toLocaleString("en-GB", { timeZone, dateStyle: "medium", timeStyle: "medium" });
}

// What is wrong, at the form's end; the field that is to blame has the focus.
export function showRefusal(form, error) {
  const problem = form.querySelector('[role="alert"]');
  const { words, field } = inWordsOf(form, error.message);
  point(form, field ?? (error.answer?.field ? fieldOf(form, error.answer.field) : null));
  if (!problem) return tell(words);
  problem.textContent = words;
  problem.hidden = false;
}

export function clearRefusal(form) {
  const problem = form.querySelector('[role="alert"]');
  if (problem) problem.hidden = true;
  for (const marked of form.querySelectorAll("[aria-invalid]")) marked.removeAttribute("aria-invalid");
}

// What was said to a post that is being written, before it is shown.
export function reword(form, page) {
  for (const one of page.querySelectorAll("[data-refused]")) one.textContent = inWordsOf(form, one.textContent, one.dataset.account).words;
}

function point(form, field) {
  const control = field?.matches("fieldset") ? field.querySelector("input, select, textarea, button") : field;
  if (!control) return;
  for (let drawer = control.closest("details"); drawer; drawer = drawer.parentElement.closest("details")) drawer.open = true;
  control.setAttribute("aria-invalid", "true");
  control.addEventListener("input", () => control.removeAttribute("aria-invalid"), { once: true });
  control.focus();
}

function fieldOf(form, path, account) {
  const parts = path.replace(/^post\./, "").split(".");
  const [, first, number] = /^(\w+?)(?:\[(\d+)\])?$/.exec(parts[0]);
  if (first === "media" && number !== undefined) return pictureOf(form, number, parts[1]);
  if (first === "targets" && number !== undefined) return ownOf(form.querySelectorAll('[name="targets"]:checked')[number]?.closest("li"), parts.slice(1));
  const own = account && [...form.querySelectorAll('[name="targets"]')].find((box) => box.value === account)?.closest("li");
  if (own && (first === "options" || (first === "content" && own.querySelector("[data-own-text]").value))) return ownOf(own, parts);
  if (first === "options") return optionOf(form, parts[1]);
  return byName(form, parts);
}

// The part that is named, else what it is a part of.
function byName(form, parts) {
  if (!parts.length) return null;
  const [group] = parts, name = CSS.escape(parts.at(-1).replace(/\[\d+\]$/, ""));
  const path = CSS.escape(parts.join("."));
  return form.querySelector(`[data-field~="${path}"]`) ?? form.querySelector(`[name="${name}"][data-group="${CSS.escape(group)}"]`)
    ?? form.querySelector(`[name="${name}"]:not([data-group])`) ?? byName(form, parts.slice(0, -1));
}

function pictureOf(form, number, part) {
  const filled = [...form.querySelectorAll(".picture")].filter((row) => [...row.querySelectorAll("[data-part]")].some((field) => field.value.trim()));
  return filled[number]?.querySelector(`[data-part="${CSS.escape(part ?? "url")}"]`) ?? form.querySelector('[name="media"]');
}

function ownOf(place, [part, option]) {
  if (part === "options") return optionOf(place, option);
  return place?.querySelector(part === "content" ? "[data-own-text]" : '[name="targets"]') ?? null;
}

function optionOf(place, name) {
  return place?.querySelector(`[data-option="${CSS.escape(name ?? "")}"]`) ?? place?.querySelector("[data-options-json]") ?? place?.querySelector('[name="options"]') ?? null;
}

function labelOf(field) {
  const label = (field.matches("fieldset") ? field.querySelector("legend") : field.labels[0])?.cloneNode(true);
  for (const other of label?.querySelectorAll("input, select, textarea, .quiet") ?? []) other.remove();
  const words = label?.textContent.trim().replace(/\s+/g, " ") || field.getAttribute("aria-label");
  const row = field.closest(".picture");
  return row ? `Picture ${[...row.parentElement.children].indexOf(row) + 1}, ${words.toLowerCase()}` : words;
}

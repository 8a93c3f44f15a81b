// The settings of a workspace: sent whole, and each fault is shown beside its field. What was written stays.
import { call } from "./api.js";
import { inWordsOf } from "./fields.js";
import { refreshAfterOwnAct } from "./live.js";
import { tell } from "./tell.js";
import { startTrial } from "./trial.js";

const excluded = new WeakMap(); // by row the words as they are, of which one may have a comma in it, and how they are shown

export function startWorkspace() {
  const form = document.getElementById("workspace");
  if (!form) return;
  const keywords = JSON.parse(form.querySelector("[data-keywords]").dataset.keywords);
  for (const keyword of keywords.length ? keywords : [{}]) addRow(form, keyword);
  form.querySelector("[data-add-keyword]").addEventListener("click", () => addRow(form, {}).querySelector("input").focus());
  form.elements.notify_urls.addEventListener("input", () => {
    const replacing = form.querySelector('[name="targets"][value="replace"]');
    if (replacing) replacing.checked = true;
  });
  startTrial(form, () => ({ subreddits: subredditsOf(form), keywords: keywordsOf(form) }), (error) => {
    clear(form);
    show(form, error.message, error.answer?.field);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); save(form); });
}

function addRow(form, keyword) {
  const row = form.querySelector("template[data-keyword]").content.cloneNode(true).firstElementChild;
  const field = (name) => row.querySelector(`[name="${name}"]`);
  field("phrase").value = keyword.phrase ?? "";
  field("match").value = keyword.match ?? "word";
  field("exclude").value = (keyword.exclude ?? []).join(", ");
  excluded.set(row, { shown: field("exclude").value, words: keyword.exclude ?? [] });
  field("case_sensitive").checked = keyword.case_sensitive ?? false;
  row.querySelector("[data-remove-keyword]").addEventListener("click", () => removeRow(form, row));
  form.querySelector(".keyword-rows").append(row);
  return row;
}

function removeRow(form, row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next?.querySelector("input") ?? form.querySelector("[data-add-keyword]")).focus();
}

const rowsOf = (form) => [...form.querySelectorAll(".keyword")].filter((row) => row.querySelector('[name="phrase"]').value.trim());

function keywordsOf(form) {
  return rowsOf(form).map((row) => {
    const field = (name) => row.querySelector(`[name="${name}"]`);
    const { shown, words } = excluded.get(row), written = field("exclude").value;
    const exclude = written === shown ? words : written.split(",").map((word) => word.trim()).filter(Boolean);
    return { phrase: field("phrase").value.trim(), match: field("match").value, exclude, case_sensitive: field("case_sensitive").checked };
  });
}

const subredditsOf = (form) => form.elements.subreddits.value.split(/[\s,]+/).filter(Boolean).map((name) => name.replace(/^\/?r\//i, ""));

function bodyOf(form) {
  const fields = form.elements;
  const body = { monitoring_enabled: fields.monitoring_enabled.checked, subreddits: subredditsOf(form), keywords: keywordsOf(form), notify: fields.notify.value };
  if (fields.at.value) body.digest = { at: fields.at.value, zone: fields.zone.value.trim() };
  if (fields.targets?.value === "keep") body.keep_notify = true;
  else body.notify_urls = fields.notify_urls.value.split("\n").map((line) => line.trim()).filter(Boolean);
  return body;
}

async function save(form) {
  const name = form.dataset.name ?? form.elements.workspace_id.value.trim();
  const button = form.querySelector('button[type="submit"]');
  clear(form);
  if (!name) return show(form, "Give it a name.", "workspace_id");
  if (form.elements.at.validity.badInput) return show(form, "digest.at: complete the time.", "digest.at"); // half of it reads as none
  button.disabled = true;
  try {
    const seen = form.dataset.etag ? { "If-Match": form.dataset.etag } : { "If-None-Match": "*" };
    const answer = await call("PUT", `/v1/workspaces/${encodeURIComponent(name)}`, bodyOf(form), seen);
    await done(form, name, answer);
  } catch (error) {
    if (error.answer?.etag) form.dataset.etag = error.answer.etag; // refused, but it is what was asked for last
    show(form, error.message, error.answer?.field);
  } finally {
    button.disabled = false;
  }
}

async function done(form, name, answer) {
  if (!form.dataset.name) return location.assign(`/workspaces/${encodeURIComponent(name)}`);
  form.dataset.etag = answer.etag;
  const keep = form.querySelector('[name="targets"][value="keep"]');
  if (keep && !keep.checked) location.reload();
  tell(answer.pending ? "Sent, but the monitor has not answered yet." : "Saved.");
  await refreshAfterOwnAct();
}

function clear(form) {
  for (const problem of form.querySelectorAll(".problem")) problem.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

function show(form, words, field = "") {
  const { problem, input } = placeOf(form, field ?? "");
  problem.textContent = inWordsOf(form, words, null, (_, path) => placeOf(form, path).input).words;
  problem.hidden = false;
  input?.setAttribute("aria-invalid", "true");
  input?.focus();
}

function placeOf(form, field) {
  const [, first, number] = /^([a-z_]*)(?:\[(\d+)\])?/.exec(field);
  const row = first === "keywords" && number !== undefined ? rowsOf(form)[number] : null;
  if (row) return { problem: row.querySelector(".problem"), input: row.querySelector(field.endsWith("exclude") ? '[name="exclude"]' : '[name="phrase"]') };
  const problem = form.querySelector(`[data-fault="${CSS.escape(first)}"]`) ?? form.querySelector('[data-fault=""]');
  const inputs = [...form.querySelectorAll(`[aria-describedby~="fault-${CSS.escape(first)}"]:not(fieldset)`)];
  return { problem, input: inputs.find((input) => field.endsWith(`.${input.name}`)) ?? inputs[0] ?? null };
}

// A form with data-call="METHOD /address" sends its fields to the API as JSON; with data-etag only if nothing has changed.
// A button with a data-call of its own sends them there instead.
import { call, Refused } from "./api.js";
import { clearRefusal, showRefusal } from "./fields.js";
import { refreshAfterOwnAct } from "./live.js";
import { tell } from "./tell.js";

export function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    const kind = field.dataset.kind;
    if (kind === "list") {
      body[field.name] ??= []; // an empty list means none, a missing one would mean all
      if (field.value && (field.type !== "checkbox" || field.checked)) body[field.name].push(field.value);
    } else {
      body[field.name] = field.value;
    }
  }
  return body;
}

async function send(form, submitter) {
  const { call: where, done } = submitter?.dataset.call ? submitter.dataset : form.dataset;
  const [method, address] = where.split(" ");
  const button = submitter ?? form.querySelector('button[type="submit"]');
  const body = bodyOf(form);
  clearRefusal(form);
  if (form.dataset.none && !Object.values(body).every((value) => value.length)) return showRefusal(form, new Refused(form.dataset.none));
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
    if (answer.pending) tellPending(form, answer.asked_at);
    else tell(done.replace(/\{(\w+)\}/g, (_, name) => answer[name]));
    await refreshAfterOwnAct();
  } catch (error) {
    showRefusal(form, error);
  } finally {
    button.disabled = false;
  }
}

// Nothing is told as done before it is. On a post's page it stands until then.
function tellPending(form, asked) {
  tell("Asked for, but not answered yet.");
  if (form.closest("article[data-etag]")) form.dispatchEvent(new CustomEvent("pending", { bubbles: true, detail: { said: "Carried out", asked } }));
}

export function startForms() {
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-call]")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
}

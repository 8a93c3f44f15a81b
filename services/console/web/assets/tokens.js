// /tokens: a new token's secret is shown once; the page keeps it nowhere but in this field.
import { call } from "./api.js";
import { clearRefusal, showRefusal } from "./fields.js";
import { refreshAfterOwnAct } from "./live.js";
import { tell } from "./tell.js";

const DAY = 86_400_000;

export function startTokens() {
  const form = document.getElementById("new-token");
  if (!form) return;
  const card = document.getElementById("new-secret");
  const field = document.getElementById("secret");
  const button = form.querySelector('[type="submit"]');

  async function create() {
    const { name, scope, days } = Object.fromEntries(new FormData(form));
    const expires = days ? { expires_at: new Date(Date.now() + days * DAY).toISOString() } : {};
    const made = await call("POST", "/v1/tokens", { name, scope, ...expires });
    card.querySelector("[data-secret-title]").textContent = `The token of ${made.name}`;
    field.value = made.secret;
    form.reset();
    form.hidden = true;
    card.hidden = false;
    await refreshAfterOwnAct();
    field.focus();
    field.select();
  }

  function forget() {
    field.value = "";
    card.hidden = true;
    form.hidden = false;
  }

  async function copy() {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      tell("Copied.");
    } catch {
      tell("The browser does not let the page copy it: it is selected, press Ctrl+C.");
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearRefusal(form);
    button.disabled = true;
    try {
      await create();
    } catch (error) {
      showRefusal(form, error);
    } finally {
      button.disabled = false;
    }
  });
  card.querySelector("[data-copy]").addEventListener("click", copy);
  card.querySelector("[data-forget]").addEventListener("click", forget);
  window.addEventListener("pagehide", forget); // a page that is kept for the way back keeps no secret
}

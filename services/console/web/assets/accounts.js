// Connecting an account with a form, and retrying what is held for one.
import { call, Refused } from "./api.js";
import { clearRefusal, showRefusal } from "./fields.js";
import { refreshAfterOwnAct } from "./live.js";
import { tell } from "./tell.js";

const UNNAMED = new Refused("Give it a name.", { field: "account_id" });

export function startAccounts() {
  const form = document.getElementById("connect");
  form?.addEventListener("submit", (event) => { event.preventDefault(); connect(form); });
  form?.querySelector("[data-sign-in]")?.addEventListener("click", () => signIn(form));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-retry-held]");
    if (button) retryHeld(button);
  });
}

function connectionOf(form) {
  const body = { platform: form.dataset.platform, settings: {} };
  for (const field of form.querySelectorAll("[data-group]")) {
    if (field.validity.badInput) throw new Refused(`${field.dataset.group}.${field.name}: write a number, or leave it empty.`); // it reads as empty
    const value = field.value.trim();
    if (value) (body[field.dataset.group] ??= {})[field.name] = field.type === "number" ? Number(value) : value;
  }
  return body;
}

async function connect(form) {
  const name = form.elements.account_id.value.trim();
  if (!name) return showRefusal(form, UNNAMED);
  await busy(form, "Asking the network…", async () => {
    const { app, ...body } = connectionOf(form); // an app is for signing in only
    const answer = await call("PUT", `/v1/accounts/${encodeURIComponent(name)}`, body);
    if (answer.pending) {
      throw new Refused("The publisher has not answered yet. Nothing is lost: it goes on as soon as the publisher runs, and /accounts shows it then.");
    }
    location.assign(`/accounts/${encodeURIComponent(name)}`);
  });
}

async function signIn(form) {
  const name = form.elements.account_id.value.trim();
  if (!name) return showRefusal(form, UNNAMED);
  await busy(form, "Asking the network where to sign in…", async () => {
    const { credentials, ...body } = connectionOf(form);
    location.assign((await call("POST", "/connect/start", { ...body, account_id: name })).page);
  });
}

async function busy(form, words, work) {
  const buttons = form.querySelectorAll("button");
  const said = form.querySelector("[data-connecting]");
  clearRefusal(form);
  said.textContent = words;
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showRefusal(form, error);
  } finally {
    said.textContent = "";
    for (const button of buttons) button.disabled = false;
  }
}

async function retryHeld(button) {
  const account = button.dataset.retryHeld;
  const said = button.parentElement.querySelector("[data-retry-said]");
  button.disabled = true;
  let done = 0, refusal = "", cursor = "";
  try {
    do {
      const page = await call("GET", `/v1/posts?state=held&account_id=${account}&limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      for (const post of page.posts) {
        try {
          await call("POST", `/v1/posts/${encodeURIComponent(post.post_id)}/accounts/${account}:retry`);
          done += 1;
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          refusal = error.message;
        }
        said.textContent = `${done} tried again`;
      }
      cursor = page.next ?? "";
    } while (cursor);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refusal = error.message;
  }
  tell(`${done} tried again${refusal && `; not all: ${refusal}`}`); // where it is said else, it goes with what is held
  button.disabled = false;
  await refreshAfterOwnAct();
}

// Acts on posts that are selected, or on all of the list: the console keeps which, and its page of the run asks once more.
import { call, Refused } from "./api.js";
import { clearRefusal, showRefusal } from "./fields.js";
import { refresh } from "./live.js";

const LOOK_EVERY = 1000; // milliseconds between two looks at how far a run has come
const SECONDS = { hours: 3600, minutes: 60 };

export function startBulk() {
  const form = document.getElementById("acts");
  if (form) startActs(form);
  followRun();
}

const boxes = () => [...document.querySelectorAll('input[name="pick"]')];
const picked = () => boxes().filter((box) => box.checked).map(({ dataset }) => ({ post_id: decodeURIComponent(dataset.post), account_id: decodeURIComponent(dataset.account) }));

function startActs(form) {
  const every = document.getElementById("pick-all");
  every.closest("label").hidden = false;
  every.addEventListener("change", () => { for (const box of boxes()) box.checked = every.checked; drawPicked(form, true); });
  document.addEventListener("change", (event) => { if (event.target.name === "pick") drawPicked(form, true); });
  document.addEventListener("patched", () => drawPicked(form, false)); // what was selected may have left the list
  form.addEventListener("change", () => drawMove(form));
  form.addEventListener("submit", (event) => { event.preventDefault(); prepare(form); });
  drawPicked(form, true);
  drawMove(form);
}

// Whoever selects something means that, and never all because it has gone.
function drawPicked(form, isChosen) {
  const count = picked().length;
  const { whom } = form.elements;
  const option = whom.querySelector('option[value="picked"]');
  option.textContent = count === 1 ? "the selected one" : count ? `the ${count} selected` : "the selected ones";
  document.querySelector("[data-many]").textContent = count ? `Change ${option.textContent}` : "Change many posts";
  if (isChosen && option.disabled === Boolean(count)) whom.value = count ? "picked" : "all";
  option.disabled = !count;
  document.getElementById("pick-all").checked = count > 0 && count === boxes().length;
}

function drawMove(form) {
  const { act, how } = form.elements;
  const isMove = act.value === "move";
  form.querySelector("[data-move]").hidden = !isMove;
  show(form.querySelector("[data-by]"), isMove && how.value === "by");
  show(form.querySelector("[data-to]"), isMove && how.value === "to");
}

// A field that nobody sees must not keep the form from being sent.
function show(fields, isShown) {
  fields.hidden = !isShown;
  for (const field of fields.querySelectorAll("input, select")) field.disabled = !isShown;
}

function moveOf({ elements: { how, amount, unit, to, apart }, dataset: { zone } }) {
  if (how.value === "to") return { to: { local: to.value, zone }, every_seconds: Math.round(apart.valueAsNumber * 60) || 0 };
  return unit.value === "days" ? { days: amount.valueAsNumber, zone } : { seconds: amount.valueAsNumber * SECONDS[unit.value] };
}

async function prepare(form) {
  const { act, whom } = form.elements;
  const which = whom.value === "picked" ? { posts: picked() } : JSON.parse(form.dataset.wanted);
  const button = form.querySelector('[type="submit"]');
  clearRefusal(form);
  button.disabled = true;
  try {
    if (which.posts?.length === 0) throw new Refused("Nothing is selected any more: select posts, or choose all that match.");
    const run = await call("POST", "/v1/bulk", { ...which, act: act.value, ...(act.value === "move" ? { move: moveOf(form) } : {}) });
    location.assign(`/bulk/${run.id}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showRefusal(form, error);
  } finally {
    button.disabled = false;
  }
}

// A run is no event: its page asks for itself while it goes on.
function followRun() {
  if (!document.querySelector('[data-region="run"]')) return;
  setInterval(() => document.querySelector("[data-again]") && refresh(), LOOK_EVERY);
}

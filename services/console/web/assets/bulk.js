// Cancel or retry what is selected, one after the other, with its progress; it can be stopped.
import { call, Refused } from "./api.js";
import { refresh, refreshAfterOwnAct } from "./live.js";

const ACTS = {
  cancel: { states: ["scheduled", "dispatched", "retrying", "held"], done: "cancelled", send: (row) => call("DELETE", `/v1/posts/${row.post}?account_id=${row.account}`) },
  retry: { states: ["failed", "held"], done: "tried again", send: (row) => call("POST", `/v1/posts/${row.post}/accounts/${row.account}:retry`) },
};

const LOOK_EVERY = 1000; // milliseconds between two looks at how far a run has come
const SECONDS = { hours: 3600, minutes: 60 };

export function startBulk() {
  startAllMatching();
  followRun();
  const bar = document.getElementById("bulk");
  if (!bar) return;
  bar.hidden = false;
  const all = document.getElementById("pick-all");
  const boxes = () => [...document.querySelectorAll('input[name="pick"]')];
  const picked = () => boxes().filter((box) => box.checked).map((box) => box.dataset);
  const said = bar.querySelector("[data-bulk-said]");
  const stop = bar.querySelector("[data-bulk-stop]");

  function draw() {
    const rows = picked();
    bar.querySelector("[data-picked]").textContent = rows.length ? `${rows.length} selected` : "Select all on this page";
    for (const button of bar.querySelectorAll("[data-bulk]")) {
      const count = rows.filter((row) => ACTS[button.dataset.bulk].states.includes(row.state)).length;
      button.disabled = !count;
    }
  }

  async function run(name) {
    const act = ACTS[name];
    const rows = picked().filter((row) => act.states.includes(row.state));
    const refusals = [];
    let done = 0, isStopped = false;
    stop.hidden = false;
    stop.onclick = () => { isStopped = true; };
    for (const row of rows) {
      if (isStopped) break;
      try { await act.send(row); done += 1; } catch (error) {
        if (!(error instanceof Refused)) throw error;
        refusals.push(error.message);
      }
      said.textContent = `${done} of ${rows.length} ${act.done}`;
    }
    stop.hidden = true;
    const rest = refusals.length ? `; ${refusals.length} not: ${refusals[0]}` : isStopped ? "; stopped, the others are as they were" : "";
    said.textContent = `${done} of ${rows.length} ${act.done}${rest}`;
    for (const box of boxes()) box.checked = false;
    all.checked = false;
    draw();
    await refreshAfterOwnAct();
  }

  all.addEventListener("change", () => { for (const box of boxes()) box.checked = all.checked; draw(); });
  document.addEventListener("change", (event) => { if (event.target.name === "pick") draw(); });
  for (const button of bar.querySelectorAll("[data-bulk]")) button.addEventListener("click", () => run(button.dataset.bulk));
  draw();
}

// All that match: the console finds them, and its page of the run asks once more.
function startAllMatching() {
  const form = document.getElementById("all-matching");
  if (!form) return;
  const { act, amount, unit } = form.elements;
  const moving = form.querySelector("[data-move]");
  const draw = () => { moving.hidden = act.value !== "move"; };
  act.addEventListener("change", draw);
  draw();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector('[role="alert"]');
    const by = unit.value === "days" ? { days: amount.valueAsNumber, zone: form.dataset.zone } : { seconds: amount.valueAsNumber * SECONDS[unit.value] };
    problem.hidden = true;
    try {
      const run = await call("POST", "/v1/bulk", { ...JSON.parse(form.dataset.wanted), act: act.value, ...(act.value === "move" ? { move: by } : {}) });
      location.assign(`/bulk/${run.id}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      problem.textContent = error.message;
      problem.hidden = false;
    }
  });
}

// A run is no event: its page asks for itself while it goes on.
function followRun() {
  if (!document.querySelector('[data-region="run"]')) return;
  setInterval(() => document.querySelector("[data-again]") && refresh(), LOOK_EVERY);
}

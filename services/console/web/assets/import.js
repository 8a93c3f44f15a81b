// Import: the console reads a file and says what is in it; its posts are then sent in batches, each under a key of its own.
import { call, Refused } from "./api.js";

const MOST_LINES = 100; // listed of those to look at
const MOST_TRIES = 5; // of a batch that is not answered in time

export function startImport() {
  const form = document.getElementById("import");
  if (!form) return;
  const page = { form, plan: document.getElementById("import-plan"), send: document.getElementById("import-send"), file: null };
  form.addEventListener("submit", (event) => { event.preventDefault(); readFile(page, contentOf(form)); });
  form.elements.file.addEventListener("change", () => form.elements.file.files.length && readFile(page, contentOf(form)));
  page.send.addEventListener("submit", (event) => { event.preventDefault(); sendFile(page); });
  page.send.elements.skip.addEventListener("change", () => drawButton(page));
  page.send.querySelector("[data-stop]").addEventListener("click", () => { page.file.isStopped = true; });
  takeDrops(page);
  addEventListener("beforeunload", (event) => { if (page.file?.isSending) event.preventDefault(); });
}

function contentOf(form) {
  return form.elements.file.files[0] ?? new Blob([form.elements.text.value]);
}

function takeDrops(page) {
  const { form } = page;
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("is-over"); });
  form.addEventListener("dragleave", () => form.classList.remove("is-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-over");
    if (event.dataTransfer.files.length) readFile(page, event.dataTransfer.files[0]);
  });
}

async function readFile(page, content) {
  if (page.file?.isSending) return;
  const problem = page.form.querySelector('[role="alert"]');
  problem.hidden = true;
  page.plan.hidden = true;
  try {
    const read = await call("POST", `/import/read?zone=${encodeURIComponent(page.form.dataset.zone)}`, content);
    page.file = { ...read, run: crypto.getRandomValues(new Uint32Array(4)).join("-"), next: 0, sent: 0, tally: { scheduled: 0, unchanged: 0 }, lines: [] };
    drawPlan(page);
  } catch (error) {
    refuse(problem, error);
  }
}

function refuse(problem, error) {
  if (!(error instanceof Refused)) throw error;
  problem.textContent = error.message;
  problem.hidden = false;
}

function drawPlan(page) {
  const { plan, is_encoding_guessed: isGuessed } = page.file;
  const faults = plan.faults.length;
  page.plan.querySelector("[data-plan]").textContent = `${plan.posts} ${plan.posts === 1 ? "post" : "posts"}, ${faults} ${faults === 1 ? "line" : "lines"} with faults. Nothing was sent.`;
  const notes = Object.entries(plan.accounts).map(([account, count]) => `${count} for ${account}`);
  if (plan.first_due) notes.push(`due ${localTime(page, plan.first_due)} to ${localTime(page, plan.last_due)}`);
  if (plan.due_at_once) notes.push(`${plan.due_at_once} without a time: due at once`);
  if (plan.in_default_zone) notes.push(`${plan.in_default_zone} times without a zone, read as ${page.form.dataset.zone}`);
  if (isGuessed) notes.push(`read as ${plan.encoding}; if its letters are wrong, save the file as UTF-8`);
  page.plan.querySelector("[data-notes]").replaceChildren(...notes.map((words) => item(words)));
  page.send.reset();
  page.send.querySelector("[data-skip]").hidden = !faults;
  page.send.querySelector("[data-progress]").hidden = true;
  page.send.querySelector('[role="alert"]').hidden = true;
  drawLines(page, plan.faults);
  drawButton(page);
  page.plan.hidden = false;
  page.plan.focus();
}

function localTime(page, instant) {
  return new Date(instant).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: page.form.dataset.zone });
}

function item(words) {
  const one = document.createElement("li");
  one.dir = "auto";
  one.textContent = words;
  return one;
}

function drawLines(page, lines) {
  const shown = lines.slice(0, MOST_LINES).map((one) => item(`Line ${one.line}: ${one.reason}`));
  if (lines.length > MOST_LINES) shown.push(item(`and ${lines.length - MOST_LINES} more`));
  page.plan.querySelector("[data-lines-title]").hidden = !lines.length;
  page.plan.querySelector("[data-lines]").replaceChildren(...shown);
}

function drawButton(page) {
  const { file, send } = page;
  const isBlocked = file.plan.faults.length && !send.elements.skip.checked;
  const button = send.querySelector('button[type="submit"]');
  button.disabled = Boolean(file.isSending || isBlocked || file.next >= file.batches.length);
  button.textContent = file.next ? "Send the rest" : "Send";
  for (const choice of [send.elements.skip, send.elements.overwrite]) choice.disabled = Boolean(file.isSending || file.next);
  send.querySelector("[data-stop]").hidden = !file.isSending;
}

async function sendFile(page) {
  const { file, send } = page;
  const problem = send.querySelector('[role="alert"]');
  if (file.isSending) return;
  Object.assign(file, { isSending: true, isStopped: false });
  problem.hidden = true;
  drawButton(page);
  try {
    while (file.next < file.batches.length && !file.isStopped) {
      count(file, file.batches[file.next], await sendBatch(file, send.elements.overwrite.checked));
      file.sent += file.batches[file.next].length;
      file.next += 1;
      drawProgress(page);
    }
  } catch (error) {
    refuse(problem, error);
  } finally {
    file.isSending = false;
    drawProgress(page);
    drawButton(page);
  }
}

// The key is the same however often the batch is sent: what has been done for it is not done again.
async function sendBatch(file, isOverwriting) {
  const key = `import-${file.run}-${file.next}`;
  const expected = isOverwriting ? {} : { expected_revision: 0 };
  const body = { batch_id: key, posts: file.batches[file.next].map((one) => ({ ...expected, ...one.post })) };
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const answer = await call("POST", "/v1/posts:batch", body, { "Idempotency-Key": key });
    if (!answer.pending || answer.waiting.length) return answer;
  }
  throw new Refused("The scheduler has not answered in time. Send the rest once it runs: nothing is scheduled twice.");
}

function count(file, batch, answer) {
  const lines = new Map(batch.map((one) => [one.post.post_id, one.line]));
  const changed = answer.accepted.filter((one) => one.changed).length;
  file.tally.scheduled += changed;
  file.tally.unchanged += answer.accepted.length - changed;
  for (const one of answer.rejected) file.lines.push({ line: lines.get(one.post_id), reason: one.reason.replace("expected_revision: ", "") });
  for (const one of answer.waiting) file.lines.push({ line: lines.get(one.post_id), reason: `${one.post_id} is being sent; what becomes of it is on its page` });
}

function drawProgress(page) {
  const { file, send } = page;
  const shown = send.querySelector("[data-progress]");
  const bar = shown.querySelector("progress");
  const rest = file.isSending || file.sent === file.plan.posts ? "" : `; the other ${file.plan.posts - file.sent} were not sent`;
  bar.max = file.plan.posts;
  bar.value = file.sent;
  shown.querySelector("output").textContent = `${file.sent} of ${file.plan.posts}: ${file.tally.scheduled} scheduled, ${file.tally.unchanged} unchanged, ${file.lines.length} not${rest}`;
  shown.hidden = false;
  drawLines(page, [...file.plan.faults, ...file.lines]);
}

// The compose page keeps a draft in this browser until the post is sent, and asks what each network says to it.
import { call } from "./api.js";
import { mediaIn } from "./forms.js";

const KEPT = "timeball-draft";
const PAUSE = 250; // milliseconds without a key before it is asked

export function startCompose() {
  const form = document.getElementById("compose");
  if (!form) return;
  const text = form.elements.content;
  let due;
  const checkSoon = () => { clearTimeout(due); due = setTimeout(() => check(form), PAUSE); };
  text.value = localStorage.getItem(KEPT) ?? "";
  text.addEventListener("input", () => localStorage.setItem(KEPT, text.value));
  form.addEventListener("input", checkSoon);
  form.addEventListener("sent", () => localStorage.removeItem(KEPT));
  if (text.value) checkSoon();
}

async function check(form) {
  const boxes = [...form.querySelectorAll('input[name="targets"]')].filter((box) => box.checked);
  const written = { content: form.elements.content.value, media: mediaIn(form.elements.media.value), account_ids: boxes.map((box) => box.value) };
  let answer;
  try {
    answer = await call("POST", "/compose/check", written);
  } catch {
    return; // the scheduler decides all the same
  }
  const said = new Map(answer.map((one) => [one.account_id, one]));
  for (const output of form.querySelectorAll("[data-count]")) draw(output, said.get(output.dataset.count));
  const isEmpty = !written.content && !written.media.length;
  const problems = answer.filter((one) => one.problem && !isEmpty);
  form.querySelector("#checked").textContent = problems.map((one) => `${one.account_id}: ${one.problem}`).join("\n");
}

function draw(output, one) {
  output.textContent = one?.most != null ? `${one.count} of ${one.most}` : "";
  output.classList.toggle("is-over", one?.most != null && one.count > one.most);
}

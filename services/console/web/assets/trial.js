// Trying keywords on what has been posted lately: the monitor reads it anew, and what would have been found is shown.
import { call } from "./api.js";

export function startTrial(form, wanted, refuse) {
  const button = form.querySelector("[data-try]");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      draw(form, await call("POST", "/v1/keywords:try", wanted()));
    } catch (error) {
      refuse(error);
    } finally {
      button.disabled = false;
    }
  });
}

function draw(form, tried) {
  const trial = form.querySelector("[data-trial]");
  const row = form.querySelector("template[data-match]").content;
  trial.querySelector("ol").replaceChildren(...tried.matches.map((match) => drawn(row, match)));
  trial.querySelector("[data-trial-said]").textContent = said(tried);
  trial.hidden = false;
  trial.focus();
}

function said(tried) {
  const where = tried.subreddits.map((name) => `r/${name}`).join(", ");
  const found = `${tried.found} of ${tried.items} posts and comments of ${where} would have been found.`;
  const shown = tried.found > tried.matches.length ? ` The newest ${tried.matches.length} are shown.` : "";
  return found + shown + tried.problems.map((problem) => ` r/${problem.subreddit} could not be read: ${problem.error}.`).join("");
}

function drawn(template, match) {
  const row = template.cloneNode(true).firstElementChild;
  const time = row.querySelector("time");
  time.dateTime = match.created_at;
  time.textContent = localTime(match.created_at);
  row.querySelector("a").href = match.url;
  row.querySelector(".said").textContent = match.title || "(no title)";
  row.querySelector(".excerpt").textContent = match.excerpt;
  row.querySelector(".account").textContent = `r/${match.subreddit}`;
  row.querySelector("[data-by]").textContent = `${match.kind} by ${match.author}`;
  row.querySelector(".found").append(...match.keywords.map(mark));
  return row;
}

function localTime(instant) {
  const timeZone = document.querySelector("footer strong").textContent; // the zone that the page says it shows
  return new Date(instant).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone });
}

function mark(keyword) {
  const found = document.createElement("mark");
  found.className = "short";
  found.dir = "auto";
  found.textContent = keyword;
  return found;
}

// How much of an account's limits is used up: the publisher is asked when the page opens, and now and then as it changes.
import { call, Refused } from "./api.js";

const ASK_EVERY = 10_000; // milliseconds, at most, however much happens
const UNITS = [[86_400, "day", "d"], [3_600, "hour", "h"], [60, "minute", "min"], [1, "second", "s"]];

export function startLimits() {
  const place = document.querySelector("[data-limits]");
  if (!place) return;
  let askedAt = 0, due;
  const look = () => {
    const wait = askedAt + ASK_EVERY - Date.now();
    clearTimeout(due);
    if (wait > 0) return void (due = setTimeout(look, wait)); // what happens meanwhile counts as well
    askedAt = Date.now();
    ask(place);
  };
  look();
  document.addEventListener("patched", look);
}

async function ask(place) {
  try {
    draw(place, await call("GET", place.dataset.limits));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(place, error.message);
  }
}

function draw(place, told) {
  const rows = told.limits.map(row);
  place.querySelector("ul").replaceChildren(...rows);
  const clock = (instant) => localTime(new Date(instant), place.dataset.zone);
  const notes = [];
  if (!rows.length) notes.push("Nothing limits how much is sent to it.");
  if (told.closed_until) notes.push(`The network takes no posts for it until ${clock(told.closed_until)}.`);
  else if (told.free_at) notes.push(`The next post may start at ${clock(told.free_at)}.`);
  say(place, notes.join(" "));
}

function localTime(instant, timeZone) {
  const day = (one) => one.toLocaleDateString("en-GB", { timeZone });
  const date = day(instant) === day(new Date()) ? {} : { weekday: "short", day: "numeric", month: "short" };
  return instant.toLocaleString("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit", ...date });
}

function say(place, words) {
  const said = place.querySelector("p");
  said.textContent = words;
  said.hidden = !words;
}

function row(limit) {
  const one = document.createElement("li");
  const words = document.createElement("span");
  const meter = document.createElement("meter");
  words.textContent = `${limit.used} of ${limit.most} ${stretch(limit.seconds)}${limit.is_shared ? ", with the other accounts of its app" : ""}`;
  Object.assign(meter, { max: limit.most, high: limit.most * 0.9, value: limit.used });
  meter.setAttribute("aria-label", words.textContent);
  one.append(meter, words);
  return one;
}

// `in a minute`, `in 24 min 41 s`
function stretch(seconds) {
  for (const [length, name] of UNITS) if (seconds === length) return `in ${name === "hour" ? "an" : "a"} ${name}`;
  const parts = [];
  let left = Math.round(seconds);
  for (const [length, , short] of UNITS) {
    if (left >= length) parts.push(`${Math.floor(left / length)} ${short}`);
    left %= length;
  }
  return `in ${parts.slice(0, 2).join(" ")}`;
}

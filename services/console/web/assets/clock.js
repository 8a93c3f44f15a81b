// Spans such as "in 3 min" go on while the page is open; the words are those of words.py.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

export function away(milliseconds) {
  const size = Math.abs(milliseconds) / 1000;
  if (size < 1) return "now";
  const [length, unit] = UNITS.find(([each]) => size >= each);
  const told = `${Math.floor(size / length)} ${unit}`;
  return milliseconds > 0 ? `in ${told}` : `${told} ago`;
}

// How far the console's clock is ahead of this machine's, which may be wrong; at most so far: the page took a while to come.
const ahead = Date.parse(document.body.dataset.drawnAt) - Date.now();

// In milliseconds, by the console's clock; it goes on while the machine sleeps.
export const serverNow = () => Date.now() + ahead;

export function startClock() {
  setInterval(() => {
    if (document.hidden) return;
    for (const span of document.querySelectorAll("[data-away]")) {
      const words = away(Date.parse(span.dataset.away) - serverNow());
      if (span.textContent !== words) span.textContent = words;
    }
  }, 1000);
}

// Spans such as "in 3 min" go on while the page is open; the words are those of words.py.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

export function away(milliseconds) {
  const size = Math.abs(milliseconds) / 1000;
  if (size < 1) return "now";
  const [length, unit] = UNITS.find(([each]) => size >= each);
  const told = `${Math.floor(size / length)} ${unit}`;
  return milliseconds > 0 ? `in ${told}` : `${told} ago`;
}

const opened = performance.now();

// By the console's clock, as an instant: this machine's may be wrong.
export function serverNow() {
  return new Date(Date.parse(document.querySelector("[data-drawn-at]").dataset.drawnAt) + performance.now() - opened).toISOString();
}

export function startClock() {
  setInterval(() => {
    if (document.hidden) return;
    for (const span of document.querySelectorAll("[data-away]")) {
      const words = away(Date.parse(span.dataset.away) - Date.now());
      if (span.textContent !== words) span.textContent = words;
    }
  }, 1000);
}

// A day or a week opens at the present hour, or at the first in which something is due.
const IN_SIGHT = 60; // pixels of an hour that must be seen

export function startHours() {
  const table = document.querySelector("table.hours[data-opens-at]");
  if (!table || location.hash || isComingBack()) return;
  const row = [...table.tBodies[0].rows].slice(table.dataset.opensAt).find((one) => one.getClientRects().length); // a phone hides hours
  if (row && row.getBoundingClientRect().top + IN_SIGHT > innerHeight) row.scrollIntoView({ block: "start", behavior: "instant" });
}

// Then the browser goes where one was.
function isComingBack() {
  return performance.getEntriesByType("navigation")[0]?.type !== "navigate";
}

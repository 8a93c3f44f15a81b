// A day or a week opens at the present hour, or at the first in which something is due; a month at today.
const IN_SIGHT = 60; // pixels of an hour or a day that must be seen

export function startOpening() {
  if (location.hash || isComingBack()) return;
  const place = presentHour() ?? document.querySelector(".month > .is-today");
  if (place && place.getBoundingClientRect().top + IN_SIGHT > innerHeight) place.scrollIntoView({ block: "start", behavior: "instant" });
}

function presentHour() {
  const table = document.querySelector("table.hours[data-opens-at]");
  return table && [...table.tBodies[0].rows].slice(table.dataset.opensAt).find((one) => one.getClientRects().length); // a phone hides hours
}

// Then the browser goes where one was.
function isComingBack() {
  return performance.getEntriesByType("navigation")[0]?.type !== "navigate";
}

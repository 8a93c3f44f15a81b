// The server lays out times; it learns this browser's zone from a cookie.
export function startZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  const told = `timeball_zone=${encodeURIComponent(zone)}`;
  const isKept = () => document.cookie.split("; ").includes(told);
  const wasKept = isKept();
  if (!wasKept) document.cookie = `${told}; path=/; max-age=31536000; samesite=strict`;
  // The page was drawn in another zone, or perhaps asked for before the cookie was kept. Then it is asked for once more:
  // the server may not know the zone.
  const isReloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
  const isDrawnAnew = wasKept ? document.body.dataset.zoneKnown === "no" && !isReloaded : isKept();
  if (isDrawnAnew) location.reload();
}

// The server lays out times; it learns this browser's zone from a cookie.
export function startZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  const told = `timeball_zone=${encodeURIComponent(zone)}`;
  const isKept = () => document.cookie.split("; ").includes(told);
  const wasKept = isKept();
  if (!wasKept) document.cookie = `${told}; path=/; max-age=31536000; samesite=strict`;
  // A page may have been asked for before the cookie was kept. It is asked for once more: the server may not know the zone.
  const isReloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
  if (document.body.dataset.zoneKnown === "no" && isKept() && !(wasKept && isReloaded)) location.reload();
}

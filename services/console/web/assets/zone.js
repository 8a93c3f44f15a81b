// The server lays out times; it learns this browser's zone from a cookie.
export function startZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = document.cookie.split("; ").find((part) => part.startsWith("timeball_zone="));
  if (!zone || known === `timeball_zone=${encodeURIComponent(zone)}`) return;
  document.cookie = `timeball_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=strict`;
  if (document.body.dataset.zoneKnown === "no" && document.cookie.includes("timeball_zone=")) location.reload();
}

// Patches the regions of a page with those of a fresher one, cell by cell.
// Nothing moves under the pointer or the focus: there, rows that come or go wait behind a button.
export function patch(page, fresh, isOwn) {
  const isInUse = (region) => !isOwn && !region.hasAttribute("data-always") && isTouched(region); // what is watched moves always
  for (const region of page.querySelectorAll("[data-region]")) {
    const now = fresh.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
    if (!now || page === document && region.closest(KEPT)) continue;
    if (region.tagName !== now.tagName) {
      if (!isInUse(region)) region.replaceWith(page.importNode(now, true));
    } else if (isInUse(region)) {
      patchRowsInPlace(region, now);
    } else {
      patchChildren(region, now);
      region.previousElementSibling?.matches(".waiting") && region.previousElementSibling.remove();
    }
  }
  page.dispatchEvent(new Event("patched"));
}

function isTouched(region) {
  return region.matches(":hover") && matchMedia("(hover: hover)").matches || region.contains(document.activeElement) || region.querySelector("details[open]");
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined;
}

function patchRowsInPlace(region, now) {
  const known = new Map([...region.children].filter(keyOf).map((row) => [keyOf(row), row]));
  const there = new Set([...now.children].map(keyOf).filter(Boolean));
  let fresh = 0;
  for (const row of now.children) {
    const old = known.get(keyOf(row));
    if (old) patchNode(old, row);
    else if (keyOf(row)) fresh += 1;
  }
  for (const [key, row] of known) row.classList.toggle("is-gone", !there.has(key));
  offer(region, now, fresh);
}

function offer(region, now, fresh) {
  let button = region.previousElementSibling;
  if (!button?.matches(".waiting")) button = null;
  if (!fresh) return button?.remove();
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.className = "button waiting";
    region.before(button);
  }
  button.textContent = `${fresh} new`;
  button.onclick = () => { button.remove(); patchChildren(region, now); };
}

function patchChildren(old, now) {
  const known = new Map([...old.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  let place = old.firstChild;
  for (const next of [...now.childNodes]) {
    const key = keyOf(next);
    let match = key ? known.get(key) : place && !keyOf(place) && isAlike(place, next) ? place : null;
    if (match) {
      known.delete(key);
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      patchNode(match, next);
    } else {
      const added = document.importNode(next, true);
      if (key) added.classList.add("is-fresh");
      old.insertBefore(added, place);
    }
  }
  while (place) {
    const following = place.nextSibling;
    if (!isKept(place)) place.remove();
    place = following;
  }
}

// What somebody writes in stays as it is, whatever becomes of the post: while it is open, and when it was closed unsaved.
const KEPT = "details[data-keep]:is([open], [data-unsaved])";

function isKept(node) {
  return node.nodeType === Node.ELEMENT_NODE && node.matches(KEPT);
}

function isAlike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName;
}

function patchNode(old, now) {
  if (old.isEqualNode(now) || isKept(old)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) { old.data = now.data; return; }
  if (old.matches("details[open], textarea, input, select") && old.contains(document.activeElement)) return;
  for (const { name, value } of [...now.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  patchChildren(old, now);
}

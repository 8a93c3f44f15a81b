// Patches the regions of a page with those of a fresher one, cell by cell.
// Nothing moves under the pointer or the focus: there, rows that come or go wait behind a button.
// What stands above them waits as well. Answers whether anything was held back.
export function patch(page, fresh, isOwn) {
  const regions = [...page.querySelectorAll("[data-region]")];
  const lastInUse = isOwn ? -1 : regions.findLastIndex(isInUse);
  const held = regions.slice(0, lastInUse + 1).filter((region) => !region.hasAttribute("data-always")); // what is watched moves always
  const still = isOwn ? null : inHand();
  const top = still?.getBoundingClientRect().top;
  for (const region of regions) {
    const now = fresh.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
    if (!now || page === document && region.closest(KEPT)) continue;
    patchRegion(page, region, now, held.includes(region));
  }
  const moved = still?.isConnected ? still.getBoundingClientRect().top - top : 0;
  if (moved) scrollBy({ top: moved, behavior: "instant" }); // a row above has grown
  page.dispatchEvent(new Event("patched"));
  return held.length > 0;
}

export function isAnyInUse(page) {
  return [...page.querySelectorAll("[data-region]")].some(isInUse);
}

function patchRegion(page, region, now, isHeld) {
  if (region.tagName !== now.tagName) {
    const take = () => region.replaceWith(page.importNode(now, true));
    if (isHeld) return offer(region, rowsOf(now).length, take);
    region.previousElementSibling?.matches(".waiting") && region.previousElementSibling.remove();
    take();
  } else if (isHeld) {
    patchRowsInPlace(region, now);
  } else {
    patchNode(region, now);
    region.previousElementSibling?.matches(".waiting") && region.previousElementSibling.remove();
  }
}

function isInUse(region) {
  return region.matches(":hover") && matchMedia("(hover: hover)").matches || region.contains(document.activeElement)
    || region.querySelector("details[open]") || isSelected(region);
}

function isSelected(region) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(region, true);
}

function inHand() {
  const focused = document.activeElement?.closest("[data-region]") ? document.activeElement : null;
  return focused ?? [...document.querySelectorAll("[data-region] [data-key]:hover")].at(-1);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined;
}

function rowsOf(region) {
  return [...region.children].filter(keyOf);
}

function patchRowsInPlace(region, now) {
  const known = new Map(rowsOf(region).map((row) => [keyOf(row), row]));
  const there = new Set([...now.children].map(keyOf).filter(Boolean));
  let fresh = 0;
  for (const row of now.children) {
    const old = known.get(keyOf(row));
    if (old) patchNode(old, row);
    else if (keyOf(row)) fresh += 1;
  }
  for (const [key, row] of known) row.classList.toggle("is-gone", !there.has(key));
  offer(region, fresh, () => patchChildren(region, now));
}

function offer(region, fresh, take) {
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
  button.onclick = () => { button.remove(); take(); };
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
      else move(old, match, place);
      patchNode(match, next);
    } else {
      const added = document.importNode(next, true);
      if (key) added.classList.add("is-fresh");
      old.insertBefore(added, place);
    }
  }
  while (place) {
    const following = place.nextSibling;
    if (!isKept(place) && !place.querySelector?.(KEPT)) place.remove();
    place = following;
  }
}

// Where the browser can, without taking the focus from what is in it.
function move(parent, node, place) {
  if (parent.moveBefore) parent.moveBefore(node, place);
  else parent.insertBefore(node, place);
}

// What somebody writes in stays as it is, whatever becomes of the post: while it is open, and when it was closed unsaved.
const KEPT = "details[data-keep]:is([open], [data-unsaved])";

// Attributes that are set on the page alone: what is unfolded, and what cannot be pressed until it is answered.
const OWN = new Set(["open", "disabled"]);

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
  if (old.matches('[role="alert"]:not([hidden])') && now.hidden) return; // why it was refused stands until it is sent again
  for (const { name, value } of [...now.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && !OWN.has(name)) old.removeAttribute(name);
  patchChildren(old, now);
}

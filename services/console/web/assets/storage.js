// What a page keeps in the browser. Where that is denied or full, it is kept as long as the page is open, and all else works.
const open = new Map(); // by the storage's name and the key: what could not be kept otherwise

export function read(storage, key) {
  const place = `${storage} ${key}`;
  if (open.has(place)) return open.get(place);
  try { return window[storage].getItem(key); } catch { return null; }
}

export function write(storage, key, text) {
  const place = `${storage} ${key}`;
  try {
    window[storage].setItem(key, text);
    open.delete(place);
  } catch {
    open.set(place, text);
  }
}

export function remove(storage, key) {
  open.delete(`${storage} ${key}`);
  try { window[storage].removeItem(key); } catch { /* nothing is kept there */ }
}

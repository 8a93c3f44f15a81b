// The draft of a new post, kept in this browser.
import { read, remove, write } from "./storage.js";

const KEPT = "timeball-draft";

export function kept() {
  const text = read("localStorage", KEPT);
  if (!text) return null;
  try {
    const draft = JSON.parse(text);
    return draft && typeof draft === "object" ? draft : { content: text };
  } catch {
    return { content: text }; // an earlier version kept the text alone
  }
}

export function keep(draft) {
  write("localStorage", KEPT, JSON.stringify(draft));
}

export function forget() {
  remove("localStorage", KEPT);
}

// The draft of a new post, kept in this browser.
const KEPT = "timeball-draft";

export function kept() {
  const text = localStorage.getItem(KEPT);
  if (!text) return null;
  try {
    const draft = JSON.parse(text);
    return draft && typeof draft === "object" ? draft : { content: text };
  } catch {
    return { content: text }; // an earlier version kept the text alone
  }
}

export function keep(draft) {
  localStorage.setItem(KEPT, JSON.stringify(draft));
}

export function forget() {
  localStorage.removeItem(KEPT);
}

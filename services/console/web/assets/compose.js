// The compose page keeps a draft in this browser until the post is sent.
const KEPT = "timeball-draft";

export function startCompose() {
  const form = document.getElementById("compose");
  if (!form) return;
  const text = form.elements.content;
  text.value = localStorage.getItem(KEPT) ?? "";
  text.addEventListener("input", () => localStorage.setItem(KEPT, text.value));
  form.addEventListener("sent", () => localStorage.removeItem(KEPT));
}

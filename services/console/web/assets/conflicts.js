// What somebody else has made of a post meanwhile, beside what one has written.
const NAMES = { content: "Text", publish_at: "Time", media: "Pictures", options: "Options" };

export function showTheirs(form, article, changes) {
  const place = form.querySelector("[data-theirs]");
  const isEdit = form.hasAttribute("data-edit");
  const state = article.querySelector(".state")?.textContent;
  const isFixed = !article.querySelector("form[data-edit]");
  const revision = article.dataset.revision;
  const told = isFixed
    ? `Meanwhile it is: ${state}. It cannot be changed any more.${isEdit ? " What you wrote stays here, to copy." : ""}`
    : `Somebody has changed it meanwhile: it is at revision ${revision}. ${wayOut(isEdit, changes)}`;
  place.replaceChildren(paragraph(told), ...changes.map(row));
  place.hidden = false;
  for (const button of form.querySelectorAll('button[type="submit"]')) button.hidden = isFixed;
}

export function clearTheirs(form) {
  const place = form.querySelector("[data-theirs]");
  place.replaceChildren();
  place.hidden = true;
}

function wayOut(isEdit, changes) {
  if (!isEdit) return "Look at what it says now; cancel it again, and it is cancelled as it is now.";
  return changes.some((one) => one.use)
    ? "Yours stands in the fields. Save again to put it in place of theirs, or use theirs."
    : "What you had not touched is as they have it. Save again, and yours is added to it.";
}

function row({ field, says, use }) {
  const one = document.createElement("div");
  one.className = "theirs";
  const name = document.createElement("strong");
  name.textContent = `${NAMES[field]} now`;
  const value = document.createElement("p");
  value.className = "content";
  value.dir = "auto";
  value.textContent = inWords(field, says);
  one.append(name, value);
  if (use) one.append(useButton(one, field, use));
  return one;
}

function useButton(one, field, use) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = `Use their ${NAMES[field].toLowerCase()}`;
  button.addEventListener("click", () => { use(); button.replaceWith(paragraph("Taken over.")); });
  return button;
}

function inWords(field, says) {
  if (field === "media") return says.map((one) => (one.alt ? `${one.url} (${one.alt})` : one.url)).join("\n") || "none";
  if (field === "options") return Object.keys(says).length ? JSON.stringify(says, null, 1) : "none";
  return (field === "publish_at" ? says.replace("T", ", ") : says) || "none";
}

function paragraph(words) {
  return Object.assign(document.createElement("p"), { textContent: words });
}

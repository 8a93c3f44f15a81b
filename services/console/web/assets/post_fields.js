// Fields that a new post and an edit share: rows of pictures, and options.
export function mediaIn(fieldset) {
  const part = (row, name) => row.querySelector(`[data-part="${name}"]`).value.trim();
  return [...fieldset.querySelectorAll(".picture")]
    .map((row) => ({ url: part(row, "url"), alt: part(row, "alt") }))
    .filter((one) => one.url || one.alt)
    .map(({ url, alt }) => (alt ? { url, alt } : { url }));
}

export function optionsIn(fieldset) {
  const options = {};
  for (const field of fieldset.querySelectorAll("[data-option]")) {
    const value = field.value.trim();
    if (value) options[field.dataset.option] = structured(value);
  }
  const further = fieldset.querySelector("[data-options-json]")?.value.trim();
  return further ? { ...options, ...objectIn(further) } : options;
}

// An option that is an object or a list is written as JSON.
function structured(value) {
  if (!/^[[{]/.test(value)) return value;
  try { return JSON.parse(value); } catch { return value; }
}

function objectIn(text) {
  try {
    const read = JSON.parse(text);
    if (read && typeof read === "object" && !Array.isArray(read)) return read;
  } catch { /* told below */ }
  throw new SyntaxError('Further options: this is no JSON object; write {"name": "value"}.');
}

export function fillMedia(fieldset, media) {
  fieldset.querySelector(".picture-rows").replaceChildren();
  for (const item of media) addPicture(fieldset, item);
}

export function fillOptions(fieldset, options) {
  const rest = { ...options };
  for (const field of fieldset.querySelectorAll("[data-option]")) {
    const value = rest[field.dataset.option];
    field.value = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
    delete rest[field.dataset.option];
  }
  const further = fieldset.querySelector("[data-options-json]");
  if (further) further.value = Object.keys(rest).length ? JSON.stringify(rest, null, 1) : "";
}

function addPicture(fieldset, { url = "", alt = "" }) {
  const row = fieldset.querySelector("template[data-picture]").content.cloneNode(true).firstElementChild;
  row.querySelector('[data-part="url"]').value = url;
  row.querySelector('[data-part="alt"]').value = alt;
  fieldset.querySelector(".picture-rows").append(row);
  return row;
}

function removePicture(row) {
  const fieldset = row.closest("fieldset");
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next?.querySelector("input") ?? fieldset.querySelector("[data-add-picture]")).focus();
  fieldset.dispatchEvent(new Event("input", { bubbles: true }));
}

export function startPostFields() {
  document.addEventListener("click", (event) => {
    const adding = event.target.closest?.("[data-add-picture]");
    if (adding) addPicture(adding.closest("fieldset"), {}).querySelector("input").focus();
    const removing = event.target.closest?.("[data-remove-picture]");
    if (removing) removePicture(removing.closest(".picture"));
  });
}

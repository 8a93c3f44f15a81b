// Import: a file goes to the console, which reports on it; it sends the posts by itself once that was seen.
import { call, Refused } from "./api.js";
import { clearRefusal, showRefusal } from "./fields.js";
import { refreshAfterOwnAct } from "./live.js";

export function startImport() {
  const form = document.getElementById("import");
  if (form) {
    form.addEventListener("submit", (event) => { event.preventDefault(); read(form, contentOf(form)); });
    form.elements.text.addEventListener("input", () => { form.elements.file.value = ""; }); // what was written last is meant
    form.elements.file.addEventListener("change", () => form.elements.file.files.length && read(form, contentOf(form)));
    takeDrops(form);
  }
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "import-start") return;
    event.preventDefault();
    start(event.target);
  });
}

function contentOf(form) {
  return form.elements.file.files[0] ?? new Blob([form.elements.text.value]);
}

function takeDrops(form) {
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("is-over"); });
  form.addEventListener("dragleave", () => form.classList.remove("is-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-over");
    if (!event.dataTransfer.files.length) return;
    form.elements.file.files = event.dataTransfer.files; // to be read again with another encoding
    read(form, contentOf(form));
  });
}

async function read(form, content) {
  const wanted = new URLSearchParams({ zone: form.dataset.zone, name: (content.name ?? "").slice(0, 200) });
  if (form.elements.encoding.value) wanted.set("encoding", form.elements.encoding.value);
  await told(form, async () => {
    await requireReadable(form, content);
    const run = await call("POST", `/v1/imports?${wanted}`, content);
    location.assign(`/import/${run.id}`);
  });
}

// A browser reads no file that has changed since it was chosen.
async function requireReadable(form, content) {
  try {
    await content.slice(0, 1).arrayBuffer();
  } catch {
    form.elements.file.value = ""; // else to choose it again would change nothing
    throw new Refused("The file has changed since it was chosen, or is gone: choose it again.");
  }
}

async function start(form) {
  const seen = Object.fromEntries([...form.querySelectorAll("input")].map((box) => [box.name, box.checked]));
  await told(form, async () => {
    const [method, address] = form.dataset.needs.split(" ");
    await call(method, address, seen);
    await refreshAfterOwnAct();
  });
}

async function told(form, work) {
  const button = form.querySelector('button[type="submit"]');
  clearRefusal(form);
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showRefusal(form, error);
  } finally {
    button.disabled = false;
  }
}

// What the networks say to a post as it is being written, in the words of its form; without an answer, that there is none.
import { documentFrom } from "./documents.js";
import { reword } from "./fields.js";

export async function checked(form, written) {
  const said = await documentFrom("POST", "/compose/check", written) ?? unchecked();
  reword(form, said);
  return said;
}

function unchecked() {
  const said = document.implementation.createHTMLDocument();
  const problems = Object.assign(said.createElement("div"), { className: "checked", role: "status" });
  problems.dataset.region = "problems";
  problems.append(Object.assign(said.createElement("p"), { textContent: "It cannot be checked now: the console does not answer, you are signed out, or what is written is too long for it." }));
  said.body.append(problems);
  return said;
}

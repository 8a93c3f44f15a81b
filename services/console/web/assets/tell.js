// Short news at the edge of the page, read out by screen readers; `undo` is offered where it is given.
const SHOWN_FOR = 8000;
const UNDO_FOR = 20_000;

export function tell(words, undo) {
  const line = document.createElement("p");
  line.textContent = words;
  if (undo) line.append(" ", undoButton(line, undo));
  document.getElementById("told").append(line);
  setTimeout(() => line.remove(), undo ? UNDO_FOR : SHOWN_FOR);
}

function undoButton(line, undo) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "undo";
  button.textContent = "Undo";
  button.addEventListener("click", () => { line.remove(); undo(); });
  return button;
}

// Short news at the edge of the page, read out by screen readers.
export function tell(words) {
  const line = document.createElement("p");
  line.textContent = words;
  document.getElementById("told").append(line);
  setTimeout(() => line.remove(), 8000);
}

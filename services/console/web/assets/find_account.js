// Among many accounts one is found by a part of its name or network. Those that are chosen stay in sight.
export function startFinding(form) {
  const field = form.querySelector("[data-find-account]");
  if (!field) return;
  const places = [...form.querySelectorAll(".destination")];
  const look = () => {
    const words = field.value.trim().toLowerCase();
    for (const place of places) place.hidden = !isFound(place, words);
    const found = places.filter((place) => !place.hidden).length;
    form.querySelector("[data-found]").textContent = words ? `${found} shown, with those that are chosen.` : "";
  };
  field.addEventListener("input", (event) => { event.stopPropagation(); look(); }); // it is no part of the post
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
}

function isFound(place, words) {
  const isChosen = place.querySelector('[name="targets"]').checked;
  return isChosen || place.querySelector("label").textContent.toLowerCase().includes(words);
}

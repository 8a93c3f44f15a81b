// Has every service tell the console anew what it keeps, and says how far that is.
import { call } from "./api.js";
import { refreshAfterOwnAct } from "./live.js";

const counted = (number) => `${number.toLocaleString("en")} ${number === 1 ? "thing" : "things"}`;

function outcome({ services, waiting }) {
  const told = services.map(({ service, told }) => `${service} has told of ${counted(told)}`);
  const rest = waiting.map((name) => `${name} has not finished: it goes on if it runs, else start it and ask again`);
  return `${[...told, ...rest].join("; ")}.`;
}

export function startRebuild() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-rebuild]")) return;
    event.preventDefault();
    const said = document.getElementById("rebuilt"), button = form.querySelector("button");
    const began = Date.now();
    const count = () => { said.textContent = `The services tell what they keep: ${Math.round((Date.now() - began) / 1000)} s. You may leave this page, it goes on.`; };
    const ticking = setInterval(count, 1000);
    count();
    button.disabled = true;
    try {
      said.textContent = outcome(await call("POST", "/v1/console:rebuild"));
      form.closest("details").removeAttribute("open");
      await refreshAfterOwnAct();
    } catch (error) {
      said.textContent = error.message;
    } finally {
      clearInterval(ticking);
      button.disabled = false;
    }
  });
}

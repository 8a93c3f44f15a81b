// One stream of events for all tabs of a browser: browsers open only six connections to a server.
// The tab that holds the lock listens and passes on; when it is closed, another one goes on after the last event heard.
const SILENCE = 40_000; // the server says that it is alive every 15 s
const SOON = 1000, LATE = 15_000; // between two attempts to connect
const channel = "BroadcastChannel" in window ? new BroadcastChannel("timeball") : null;

// `listener` is told how many events of each kind there were (`happened`), that some are not kept any more (`missed`), that the
// console answers but lets nobody listen (`refused`), how it `stands`, and why the console hears nothing (`deaf`; null while it does).
export function follow(listener) {
  let lastId = "";
  const take = (message) => {
    if (message.id) lastId = message.id;
    if (message.kind === "happened") listener.happened(message.kinds);
    if (message.kind === "reset") listener.missed();
    if (message.kind === "refused") listener.refused();
    if (message.kind === "stands") listener.stands(message.isConnected);
    if (message.kind === "deaf") listener.deaf(message.reason);
  };
  const lead = () => {
    let isConnected = false, reason = null;
    const pass = (message) => {
      if (message.kind === "stands") isConnected = message.isConnected;
      if (message.kind === "deaf") reason = message.reason;
      take(message);
      channel?.postMessage(message);
    };
    if (channel) channel.onmessage = ({ data }) => {
      if (data.kind !== "how") return;
      channel.postMessage({ kind: "stands", isConnected, id: lastId });
      channel.postMessage({ kind: "deaf", reason });
    };
    listen(() => lastId, pass);
  };
  if (!navigator.locks || !channel) return lead();
  channel.onmessage = ({ data }) => take(data);
  channel.postMessage({ kind: "how" });
  navigator.locks.request("timeball-stream", () => new Promise(lead));
}

function listen(lastId, pass) {
  let source, heard, wait = SOON;
  const open = () => {
    source?.close();
    source = new EventSource(lastId() ? `/live?after=${lastId()}` : "/live");
    heard = Date.now();
    source.onopen = () => { wait = SOON; heard = Date.now(); pass({ kind: "stands", isConnected: true }); pass({ kind: "deaf", reason: null }); };
    source.onerror = () => {
      pass({ kind: "stands", isConnected: false });
      if (source.readyState === EventSource.CLOSED) pass({ kind: "refused" });
      again();
    };
    source.addEventListener("alive", ({ lastEventId }) => { heard = Date.now(); pass({ kind: "alive", id: lastEventId }); });
    source.addEventListener("state", ({ data }) => { const state = JSON.parse(data); heard = Date.now(); pass({ kind: "deaf", reason: state.broker === "away" ? state.reason : null }); });
    source.addEventListener("dropped", again);
    source.addEventListener("reset", ({ lastEventId }) => { heard = Date.now(); pass({ kind: "reset", id: lastEventId }); });
    source.addEventListener("happened", ({ data, lastEventId }) => { heard = Date.now(); pass({ kind: "happened", kinds: JSON.parse(data), id: lastEventId }); });
  };
  const again = () => { source.close(); setTimeout(open, wait); wait = Math.min(wait * 2, LATE); };
  setInterval(() => { if (Date.now() - heard > SILENCE) { pass({ kind: "stands", isConnected: false }); open(); } }, 5000);
  window.addEventListener("online", () => { wait = SOON; if (source.readyState === EventSource.CLOSED) open(); });
  window.addEventListener("pagehide", () => source.close());
  open();
}

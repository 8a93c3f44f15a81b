// One stream of events for all tabs of a browser: browsers open only six connections to a server.
// The tab that holds the lock listens and passes on; when it is closed, another one takes over.
const SILENCE = 40_000; // the server says that it is alive every 15 s
const channel = "BroadcastChannel" in window ? new BroadcastChannel("timeball") : null;

export function follow(types, listener) {
  const take = (message) => message.kind === "event" ? listener.happened(message.type) : listener.stands(message.isConnected);
  if (!navigator.locks || !channel) return listen(types, take);
  channel.onmessage = ({ data }) => take(data);
  navigator.locks.request("timeball-stream", () => new Promise(() => lead(types, take)));
}

function lead(types, take) {
  let isConnected = null;
  const pass = (message) => {
    if (message.kind === "stands") isConnected = message.isConnected;
    take(message);
    channel.postMessage(message);
  };
  listen(types, pass);
}

function listen(types, pass) {
  let source, heard, wait = 1000;
  const open = () => {
    source?.close();
    source = new EventSource("/v1/events");
    heard = Date.now();
    source.onopen = () => { wait = 1000; heard = Date.now(); pass({ kind: "stands", isConnected: true }); };
    source.onerror = () => {
      pass({ kind: "stands", isConnected: false });
      if (source.readyState === EventSource.CLOSED) again();
    };
    source.addEventListener("alive", () => { heard = Date.now(); });
    source.addEventListener("dropped", again);
    for (const type of types) source.addEventListener(type, () => { heard = Date.now(); pass({ kind: "event", type }); });
  };
  const again = () => { source.close(); setTimeout(open, wait); wait = Math.min(wait * 2, 15_000); };
  setInterval(() => { if (Date.now() - heard > SILENCE) { pass({ kind: "stands", isConnected: false }); open(); } }, 5000);
  window.addEventListener("pagehide", () => source.close());
  open();
}

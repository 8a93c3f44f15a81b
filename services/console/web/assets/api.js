// Calls of the console's HTTP API, with JSON or a file; what goes wrong is told in its words.
export class Refused extends Error {
  constructor(words, answer = {}) {
    super(words);
    this.answer = answer; // the problem as the console told it
  }
}

const UNKNOWN = new Refused("The console does not answer, so it is not known whether it was done. Look again before you repeat it.");
const PATIENCE = 60_000; // milliseconds: longer than any answer is waited for

export async function call(method, address, body, headers = {}) {
  const isFile = body instanceof Blob;
  let response, answer;
  try {
    response = await fetch(address, {
      method,
      headers: body === undefined || isFile ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined || isFile ? body : JSON.stringify(body),
      signal: isFile ? null : AbortSignal.timeout(PATIENCE),
    });
    answer = await (response.ok ? response.json() : response.json().catch(() => ({})));
  } catch {
    throw UNKNOWN; // perhaps an answer has begun, and has broken off
  }
  if (!response.ok) throw new Refused(sentence(answer.detail ?? `The console answered ${response.status}`), answer);
  return answer;
}

function sentence(words) {
  if (/^[\w.[\]]+:/.test(words)) return words; // it begins with the name of a field
  return words.charAt(0).toUpperCase() + words.slice(1) + (words.endsWith(".") ? "" : ".");
}

// Pages and parts of pages from the server, parsed without running what is in them; null where it does not answer, or leads
// elsewhere, as to where one signs in.
export function documentFrom(method, address, body) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.responseType = "document";
    if (body !== undefined) request.setRequestHeader("Content-Type", "application/json");
    request.onload = () => resolve(request.status < 400 && isThere(request.responseURL, address) ? request.response : null);
    request.onerror = () => resolve(null);
    request.send(body === undefined ? undefined : JSON.stringify(body));
  });
}

const isThere = (found, address) => new URL(found).pathname === new URL(address, location).pathname;

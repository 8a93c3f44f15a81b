"""A server of the AT Protocol, with sessions that rotate, records under keys, and blobs that must exist."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import regex

from shared.clocks.clock import Clock, SystemClock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Network, Posted, Reply

DID = "did:plc:harbour"
HANDLE = "harbour.example"
FRIENDS = {"alice.bsky.social": "did:plc:alice"}
PUT = "com.atproto.repo.putRecord"
ACCESS_LASTS = timedelta(hours=2)
OLD_REFRESH_LASTS = timedelta(hours=2)
LARGEST_BLOB = 2_000_000
TID = regex.compile(r"[2-7a-j][2-7a-z]{12}")


@dataclass
class Refusal(Exception):
    """An error as XRPC tells it."""

    error: str
    message: str
    status: int = 400


@dataclass
class Bluesky(Network):
    """One account's server. `refreshed_with` has the refresh tokens that were used, in order."""

    clock: Clock = field(default_factory=SystemClock)
    handle: str = HANDLE
    password: str = "abcd-efgh-ijkl-mnop"
    did_doc: Mapping[str, Any] | None = None
    refreshed_with: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    logins: int = 0
    points: int = 5000
    _records: dict[str, str] = field(default_factory=dict)
    _blobs: dict[str, int] = field(default_factory=dict)
    _access: dict[str, datetime] = field(default_factory=dict)
    _refresh: dict[str, datetime] = field(default_factory=dict)

    def publishes(self, call: Call) -> bool:
        return call.path == f"/xrpc/{PUT}"

    def answer(self, call: Call) -> Reply:
        methods: dict[str, Callable[[Call], Any]] = {
            "com.atproto.server.createSession": self._create_session,
            "com.atproto.server.refreshSession": self._refresh_session,
            "com.atproto.identity.resolveHandle": self._resolve,
            "com.atproto.repo.uploadBlob": self._upload,
            "com.atproto.server.getSession": self._who,
            PUT: self._put,
        }
        method = methods.get(call.path.removeprefix("/xrpc/"))
        if method is None:
            return Reply(501, {"error": "MethodNotImplemented", "message": "Method Not Implemented"})
        try:
            return Reply(body=method(call), headers=self._limits())
        except Refusal as refusal:
            return Reply(refusal.status, {"error": refusal.error, "message": refusal.message})

    def end_access(self) -> None:
        """No access token given out so far is good any more."""
        self._access = dict.fromkeys(self._access, self.clock.now())

    def end_everything(self) -> None:
        """No session is good any more, and the app password is another one."""
        self._access.clear()
        self._refresh.clear()
        self.password = self.password[::-1]

    def _limits(self) -> dict[str, str]:
        resets_at = self.clock.now() + timedelta(hours=1)
        return {
            "RateLimit-Limit": "5000",
            "RateLimit-Remaining": str(self.points),
            "RateLimit-Reset": str(int(resets_at.timestamp())),
            "RateLimit-Policy": "5000;w=3600",
        }

    def _create_session(self, call: Call) -> Any:
        self.logins += 1
        if call.json["identifier"] not in (self.handle, DID) or call.json["password"] != self.password:
            raise Refusal("AuthenticationRequired", "Invalid identifier or password", 401)
        return self._session()

    def _refresh_session(self, call: Call) -> Any:
        now = self.clock.now()
        if call.body:
            raise Refusal("InvalidRequest", "A request body was provided when none was expected")
        if call.token not in self._refresh:
            raise Refusal("InvalidToken", "Token could not be verified")
        if self._refresh[call.token] <= now:
            raise Refusal("ExpiredToken", "Token has expired")
        self.refreshed_with.append(call.token)
        self._refresh[call.token] = min(self._refresh[call.token], now + OLD_REFRESH_LASTS)
        return self._session()

    def _session(self) -> Any:
        now = self.clock.now()
        access, refresh = self._token(now + ACCESS_LASTS, "access"), self._token(now + timedelta(days=90), "refresh")
        self._access[access], self._refresh[refresh] = now + ACCESS_LASTS, now + timedelta(days=90)
        told = {"accessJwt": access, "refreshJwt": refresh, "did": DID, "handle": self.handle, "active": True}
        return told | ({"didDoc": self.did_doc} if self.did_doc else {})

    def _token(self, ends_at: datetime, scope: str) -> str:
        claims = {"scope": f"com.atproto.{scope}", "sub": DID, "exp": int(ends_at.timestamp()), "n": len(self.issued)}
        parts = ({"typ": "at+jwt", "alg": "HS256"}, claims)
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        self.issued.append(".".join([*encoded, f"signature{len(self.issued)}"]))
        return self.issued[-1]

    def _authorize(self, call: Call) -> None:
        if call.token not in self._access:
            raise Refusal("InvalidToken", "Token could not be verified")
        if self._access[call.token] <= self.clock.now():
            raise Refusal("ExpiredToken", "Token has expired")

    def _who(self, call: Call) -> Any:
        self._authorize(call)
        return {"did": DID, "handle": self.handle, "active": True}

    def _resolve(self, call: Call) -> Any:
        did = FRIENDS.get(call.query["handle"])
        if did is None:
            raise Refusal("InvalidRequest", "Unable to resolve handle")
        return {"did": did}

    def _upload(self, call: Call) -> Any:
        self._authorize(call)
        cid = "bafkrei" + hashlib.sha256(call.body).hexdigest()[:52]
        self._blobs[cid] = len(call.body)
        kind = call.headers["content-type"]
        return {"blob": {"$type": "blob", "ref": {"$link": cid}, "mimeType": kind, "size": len(call.body)}}

    def _put(self, call: Call) -> Any:
        """Write the record; where `swapRecord` is null, not over another one."""
        self._authorize(call)
        asked = call.json
        key, record = asked["rkey"], asked["record"]
        self._check(asked["repo"], key, record)
        uri, cid = f"at://{DID}/{asked['collection']}/{key}", _cid(record)
        if key in self._records and self._records[key] != cid and asked.get("swapRecord", cid) is None:
            raise Refusal("InvalidSwap", f"Record was at {self._records[key]}")
        self.points -= 2
        self.posts = [posted for posted in self.posts if posted.id != uri]
        self.posts.append(Posted(uri, DID, record["text"], record))
        self._records[key] = cid
        return {"uri": uri, "cid": cid, "validationStatus": "valid"}

    def _check(self, repo: str, key: str, record: Any) -> None:
        if repo != DID:
            raise Refusal("AuthMissing", "Authentication Required", 401)
        if not TID.fullmatch(key):
            raise Refusal("InvalidRequest", f"Invalid record key: {key}")
        if len(regex.findall(r"\X", record["text"])) > 300 or len(record["text"].encode()) > 3000:
            raise Refusal("InvalidRequest", "Invalid app.bsky.feed.post record: grapheme too big (maximum 300)")
        for image in record.get("embed", {}).get("images", []):
            size = self._blobs.get(image["image"]["ref"]["$link"])
            if size is None:
                raise Refusal("BlobNotFound", f"Could not find blob: {image['image']['ref']['$link']}")
            if size > LARGEST_BLOB:
                raise Refusal("BlobTooLarge", f"This file is too large. It is {size} bytes, maximum {LARGEST_BLOB}.")


def _cid(record: Any) -> str:
    """The same for the same record; a float is in none."""
    canonical = json.dumps(record, sort_keys=True)
    if regex.search(r":\s*-?\d+\.\d", regex.sub(r'"(\\.|[^"\\])*"', '""', canonical)):
        raise Refusal("InvalidRequest", "Bad record: floats are not allowed")
    return "bafyrei" + hashlib.sha256(canonical.encode()).hexdigest()[:52]

"""An OAuth 2 authorisation server: signs people in, gives out tokens, and takes them back."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any, Literal
from urllib.parse import urlencode

from shared.clocks.clock import Clock
from tests.fakes.http_server import Call
from tests.fakes.networks.base import Reply


@dataclass
class Authority:
    """One app, and one person who allows it what it asks for, unless `denies`."""

    clock: Clock
    lasts: timedelta
    rotates: bool = False
    """Each refresh token is good for one refresh; whoever uses one again loses them all."""
    refresh_lasts: timedelta | None = None
    names_client_by: Literal["basic", "form"] = "form"
    needs_pkce: bool = False
    client_id: str = "timeball-app"
    client_secret: str = "app-s3cret"
    denies: bool = False
    issued: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    """The refresh tokens that were asked with."""
    asked: list[Mapping[str, str]] = field(default_factory=list)
    """What was asked of the person, in order."""
    _access: dict[str, datetime] = field(default_factory=dict)
    _refresh: dict[str, datetime | None] = field(default_factory=dict)
    _codes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def admits(self, token: str) -> bool:
        """Whether an access token is good."""
        ends_at = self._access.get(token)
        return ends_at is not None and ends_at > self.clock.now()

    def sign_in(self) -> dict[str, str]:
        """Credentials as they are after a person has signed in."""
        tokens = self._give(self._new_refresh_token())
        expires_at = self.clock.now() + self.lasts
        app = {"client_id": self.client_id, "client_secret": self.client_secret}
        own = {"access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"]}
        return app | own | {"expires_at": expires_at.isoformat()}

    def expire(self) -> None:
        """End the access tokens before their time."""
        self._access.clear()

    def revoke(self) -> None:
        """Take everything back."""
        self._access.clear()
        self._refresh.clear()

    def page(self, call: Call) -> Reply:
        """Where a person's browser is sent to, and from where it is sent back."""
        self.asked.append(dict(call.query))
        back = {"state": call.query["state"]}
        if self.denies:
            back |= {"error": "access_denied", "error_description": "The person said no."}
        else:
            code = token_urlsafe(12)
            self._codes[code] = dict(call.query)
            back |= {"code": code}
        return Reply(HTTPStatus.FOUND, headers={"location": f"{call.query['redirect_uri']}?{urlencode(back)}"})

    def tokens(self, call: Call) -> Reply:
        """The token endpoint."""
        if not self._knows_client(call):
            return _refused("invalid_client", HTTPStatus.UNAUTHORIZED)
        match call.form.get("grant_type"):
            case "refresh_token":
                return self._refreshed(call.form.get("refresh_token", ""))
            case "authorization_code":
                return self._redeemed(call.form)
        return _refused("unsupported_grant_type")

    def introspected(self, call: Call, scope: str) -> Reply:
        """What is known of a token (RFC 7662)."""
        if not self._knows_client(call):
            return _refused("invalid_client", HTTPStatus.UNAUTHORIZED)
        if not self.admits(call.form.get("token", "")):
            return Reply(body={"active": False, "status": "expired"})
        return Reply(body={"active": True, "status": "active", "scope": scope, "client_id": self.client_id})

    def _refreshed(self, token: str) -> Reply:
        self.used.append(token)
        if token not in self._refresh:
            if self.rotates and token in self.issued:
                self.revoke()
            return _refused("invalid_grant")
        ends_at = self._refresh[token]
        if ends_at is not None and ends_at <= self.clock.now():
            return _refused("invalid_grant")
        if not self.rotates:
            return Reply(body=self._give(token))
        del self._refresh[token]
        return Reply(body=self._give(self._new_refresh_token()))

    def _redeemed(self, form: Mapping[str, str]) -> Reply:
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return _refused("invalid_grant")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if self.needs_pkce and (asked.get("code_challenge"), asked.get("code_challenge_method")) != (challenge, "S256"):
            return _refused("invalid_grant")
        return Reply(body=self._give(self._new_refresh_token()))

    def _knows_client(self, call: Call) -> bool:
        if self.names_client_by == "basic" and self.client_secret:
            named = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
            return call.token == named
        return (call.form.get("client_id"), call.form.get("client_secret", "")) == (self.client_id, self.client_secret)

    def _new_refresh_token(self) -> str:
        token = f"refresh-{token_urlsafe(12)}"
        self._refresh[token] = self.clock.now() + self.refresh_lasts if self.refresh_lasts else None
        return token

    def _give(self, refresh_token: str) -> dict[str, Any]:
        access_token = f"access-{token_urlsafe(12)}"
        self._access[access_token] = self.clock.now() + self.lasts
        self.issued += [access_token, refresh_token]
        given: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": access_token,
            "refresh_token": refresh_token,
            "expires_in": int(self.lasts.total_seconds()),
        }
        if ends_at := self._refresh[refresh_token]:
            given["refresh_token_expires_in"] = int((ends_at - self.clock.now()).total_seconds())
        return given


def _refused(error: str, status: int = HTTPStatus.BAD_REQUEST) -> Reply:
    return Reply(status, {"error": error, "error_description": f"OAuth says {error}."})

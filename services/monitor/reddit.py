"""Reddit's listings: signed in as an app, never faster than Reddit allows, and with errors that say what to do."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import structlog

from services.monitor.domain import Kind
from services.monitor.listing import NoListing, Page, page_of
from services.monitor.pace import Pace, number_in
from shared.clocks.clock import Clock
from shared.outbound.client import read_bounded

PAGE = 100
MOST_BYTES = 16 * 1024 * 1024
CALL_SECONDS = 30.0
ATTEMPTS = 3
FIRST_PAUSE = timedelta(seconds=1)
TOKEN_MARGIN = timedelta(minutes=1)
OK, UNAUTHORIZED, TOO_MANY, SERVER_ERROR = 200, 401, 429, 500
CLOSED = frozenset({301, 302, 303, 307, 308, 403, 404, 410, 451})
"""How Reddit answers for what is private, banned, renamed or not there."""

log = structlog.get_logger()


class RedditError(Exception):
    """Reddit did not give what was asked for."""


class NotConfigured(RedditError):
    """There is no access to Reddit."""

    def __init__(self) -> None:
        super().__init__(
            "no access to Reddit: set TIMEBALL_REDDIT_CLIENT_ID and TIMEBALL_REDDIT_CLIENT_SECRET for the monitor "
            "(an app of the type `script` or `web app`, made at https://www.reddit.com/prefs/apps)"
        )


class AccessDenied(RedditError):
    """Reddit does not know the app, so nothing at all can be read."""


class NotReadable(RedditError):
    """A subreddit, or one of several, is private, banned or not there."""


@dataclass(frozen=True)
class Access:
    """Where Reddit is, and as which app to sign in."""

    client_id: str
    client_secret: str = field(repr=False)
    sign_in_at: str = "https://www.reddit.com"
    listings_at: str = "https://oauth.reddit.com"


class Reddit:
    """Reads new posts and comments."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        access: Access | None,
        clock: Clock,
        user_agent: str,
        *,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._call_seconds = call_seconds
        self._http = http
        self._access = access
        self._clock = clock
        self._pace = Pace(clock)
        self._user_agent = user_agent
        self._token = ""
        self._token_until = clock.now()

    async def listing(
        self, subreddits: Sequence[str], kind: Kind, *, before: str | None = None, after: str | None = None
    ) -> Page:
        """A page of what is new, the newest first: all, or next to the item named and younger or older than it."""
        place = {"before": before, "after": after}
        parameters = {"limit": str(PAGE), "raw_json": "1", **{name: item for name, item in place.items() if item}}
        path = f"/r/{'+'.join(subreddits)}/{'new' if kind == 'post' else 'comments'}"
        answer = await self._get(path, parameters)
        try:
            return page_of(answer)
        except NoListing as error:
            raise RedditError(str(error)) from error

    async def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        """The answer's JSON; what may be better in a moment is asked for again."""
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._try(path, parameters)
            except (NotReadable, AccessDenied, NotConfigured):
                raise
            except RedditError as error:
                if attempt == ATTEMPTS:
                    raise
                log.info("reddit_asked_again", path=path, error=str(error))
            await self._clock.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")

    async def _try(self, path: str, parameters: Mapping[str, str]) -> Any:
        access, token = await self._signed_in()
        headers = {"authorization": f"bearer {token}"}
        status, answer = await self._send("GET", access.listings_at + path, params=parameters, headers=headers)
        if status == UNAUTHORIZED:
            self._token = ""
            raise RedditError("Reddit no longer takes the token")
        if status in CLOSED:
            raise NotReadable(_reason(status, answer))
        if status != OK:
            raise RedditError(f"Reddit does not answer this request ({status})")
        return answer

    async def _signed_in(self) -> tuple[Access, str]:
        if self._access is None:
            raise NotConfigured
        if not self._token or self._clock.now() >= self._token_until:
            await self._sign_in(self._access)
        return self._access, self._token

    async def _sign_in(self, access: Access) -> None:
        url = f"{access.sign_in_at}/api/v1/access_token"
        secret = (access.client_id, access.client_secret)
        status, answer = await self._send("POST", url, data={"grant_type": "client_credentials"}, auth=secret)
        if status != OK:
            raise AccessDenied(
                f"Reddit does not take the app's name and secret ({status}); "
                "check TIMEBALL_REDDIT_CLIENT_ID and TIMEBALL_REDDIT_CLIENT_SECRET"
            )
        try:
            self._token = str(answer["access_token"])
            lasts = timedelta(seconds=float(answer["expires_in"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise RedditError("Reddit's answer holds no token") from error
        self._token_until = self._clock.now() + max(lasts - TOKEN_MARGIN, lasts / 2)

    async def _send(self, method: str, url: str, **request: Any) -> tuple[int, Any]:
        """The status and the JSON of an answer that is one; RedditError where asking again may help."""
        await self._pace.wait()
        request["headers"] = {"user-agent": self._user_agent, **request.get("headers", {})}
        try:
            async with asyncio.timeout(self._call_seconds), self._http.stream(method, url, **request) as response:
                body = await read_bounded(response, MOST_BYTES)
        except TimeoutError:
            raise RedditError(f"Reddit did not answer within {self._call_seconds:g} s") from None
        except httpx.HTTPError as error:
            raise RedditError(f"Reddit cannot be reached ({error})") from error
        self._pace.learn(response.headers)
        if response.status_code == TOO_MANY:
            self._pace.close_for(_told_pause(response.headers))
            raise RedditError("Reddit says that it was asked too often (429)")
        if response.status_code >= SERVER_ERROR:
            raise RedditError(f"Reddit is not well ({response.status_code})")
        return response.status_code, _json(response, body)


def _json(response: httpx.Response, body: bytes) -> Any:
    try:
        return httpx.Response(OK, content=body).json()
    except (ValueError, RecursionError):
        if response.status_code == OK:
            raise RedditError("Reddit's answer is not JSON") from None
        return {}


def _reason(status: int, answer: Any) -> str:
    told = answer.get("reason") if isinstance(answer, dict) else None
    known = {"private": "it is private", "banned": "it is banned", "quarantined": "it is quarantined"}
    return f"{known.get(str(told), 'it is private, banned or not there')} ({status})"


def _told_pause(headers: Mapping[str, str]) -> timedelta:
    waits = (number_in(headers, "retry-after"), number_in(headers, "x-ratelimit-reset"))
    return timedelta(seconds=next((wait for wait in waits if wait is not None), 60))

"""What `sandbox` and `webhook` share: a post as JSON, sent by POST to the account's URL."""

from functools import lru_cache

import httpx
from pydantic_core import to_json

from services.publisher.platforms.account_fields import invalid_setting, is_web_url
from services.publisher.platforms.base import Account, Post, Published
from services.publisher.platforms.reply import Reply, text_or_none


def published_in(reply: Reply) -> Published:
    """The id and URL in a reply, as far as it tells them; what is no web address would be shown as a link."""
    url = text_or_none(reply.json.get("url"))
    return Published(text_or_none(reply.json.get("id")), url if is_web_url(url) else None)


def request_for(client: httpx.AsyncClient, post: Post, account: Account) -> httpx.Request:
    """The POST of a post; its bytes are the same for every attempt."""
    body = {
        "type": "post",
        "timestamp": post.publish_at,
        "data": {
            "post_id": post.post_id,
            "account_id": post.account_id,
            "content": post.content,
            "media": post.media,
            "options": post.options,
            "publish_at": post.publish_at,
        },
    }
    url = url_of(account)
    return client.build_request("POST", url, content=to_json(body), headers={"content-type": "application/json"})


def url_of(account: Account) -> httpx.URL:
    """The account's URL, or Rejected where it is none."""
    url = account.settings.get("url")
    if not isinstance(url, str) or not is_web_url(url):
        raise invalid_setting(account, "url", "give the address to post to, such as https://example.org/hook")
    return _parsed(url)


@lru_cache(maxsize=10_000)  # the same few are posted to again and again
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)

"""Pictures on Reddit: each is uploaded with a form that Reddit lends for it, outside its API, and then named in a post.

Reddit documents neither uploads nor galleries; both are as its own site and the well-known clients use them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.publisher.media.limits import PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.platforms.account_fields import is_web_url
from services.publisher.platforms.bodies import FormFile, form_of, request_with
from services.publisher.platforms.exchange import exchange, unreadable
from services.publisher.platforms.pictures import fetch_pictures
from services.publisher.platforms.reddit.options import FLAGS
from services.publisher.platforms.reddit.replies import DIALECT, store_of
from services.publisher.platforms.reply import object_or_empty
from shared.clocks.clock import Clock

MOST_PICTURES = 20
MOST_CAPTION = 180
TYPES = ("image/jpeg", "image/png", "image/gif")
PICTURES = PictureLimits(most_bytes=20 * 1024 * 1024, types=TYPES, moving=("image/gif",))


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A picture that Reddit has."""

    asset_id: str
    url: str
    caption: str


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where one picture may be uploaded to, once, and the fields of the form that it must come with."""

    asset_id: str
    address: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """Where the picture is then."""
        return f"{self.address.rstrip('/')}/{self.fields['key']}"


@dataclass(frozen=True, slots=True)
class Uploads:
    """Uploads pictures for one account."""

    client: httpx.AsyncClient
    clock: Clock
    api: str
    headers: Mapping[str, str]
    takes_http: bool = False
    """Whether a form may lead to an address without TLS, as on a server for tests."""

    async def upload_all(self, media: Sequence[Mapping[str, Any]]) -> list[Uploaded]:
        """The pictures of a post in their order."""
        pictures = await fetch_pictures(self.client, media, PICTURES)
        return [await self._upload(index, picture) for index, picture in enumerate(pictures)]

    async def _upload(self, index: int, picture: Picture) -> Uploaded:
        name = f"picture{index}.{picture.ending}"
        lent = await self._form_for(name, picture.mime)
        form = form_of(lent.fields, [FormFile("file", name, picture)])
        request = request_with(self.client, "POST", lent.address, form, {})
        await exchange(self.client, request, self.clock.now(), store_of(f"media[{index}]"))
        return Uploaded(lent.asset_id, lent.url, picture.alt[:MOST_CAPTION])

    async def _form_for(self, name: str, mime: str) -> UploadForm:
        form = {"filepath": name, "mimetype": mime}
        url = f"{self.api}/api/media/asset.json"
        request = self.client.build_request("POST", url, data=form, headers=dict(self.headers))
        told = (await exchange(self.client, request, self.clock.now(), DIALECT)).json
        return upload_form_in(told, takes_http=self.takes_http)


def upload_form_in(told: Mapping[str, Any], *, takes_http: bool = False) -> UploadForm:
    """The form that a reply lends; Unavailable where it lends none that a picture may be sent with."""
    args, asset = object_or_empty(told.get("args")), object_or_empty(told.get("asset"))
    given = [object_or_empty(one) for one in args.get("fields") or ()]
    fields = {str(one.get("name")): str(one.get("value")) for one in given}
    action, asset_id = str(args.get("action") or ""), asset.get("asset_id")
    address = f"https:{action}" if action.startswith("//") else action
    is_safe = is_web_url(address) and (takes_http or address.startswith("https://"))
    if not (is_safe and fields.get("key") and isinstance(asset_id, str)):
        raise unreadable("lends no form to upload a picture with")
    return UploadForm(asset_id, address, fields)


def gallery_of(form: Mapping[str, str], shown: Sequence[Uploaded]) -> dict[str, Any]:
    """A post of several pictures, which Reddit takes as JSON."""
    said = {name: value for name, value in form.items() if name not in ("kind", *FLAGS)}
    flags = {name: form[name] == "true" for name in FLAGS if name != "resubmit"}
    items = [{"media_id": one.asset_id, "caption": one.caption, "outbound_url": ""} for one in shown]
    return said | flags | {"items": items, "show_error_list": True}

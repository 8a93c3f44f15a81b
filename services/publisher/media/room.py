"""The media room of a client: each address is fetched once, each picture is made to fit the same limits once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import httpx

from services.publisher.media.errors import MediaError
from services.publisher.media.fetching import Fetching
from services.publisher.media.flights import Flights
from services.publisher.media.keeping import File, PictureFiles
from services.publisher.media.limits import PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.media.pool import Pool

MOST_SHARED = 256 * 1024 * 1024
"""Bytes of fetched, and of fitted, pictures that are kept for other posts which show them as well."""
SHARED_SECONDS = 120.0
"""For so long what has changed at an address is not noticed."""
LOOK_EVERY = 0.1
FILES = PictureFiles()


@dataclass
class Room:
    """Fetches and fits the pictures of all posts."""

    fetching: Fetching = field(default_factory=lambda: Fetching(FILES))
    pool: Pool = field(default_factory=Pool)
    files: PictureFiles = FILES
    fetched: Flights[File] = field(default_factory=lambda: Flights(lambda one: one.size, MOST_SHARED, SHARED_SECONDS))
    fitted: Flights[Picture] = field(default_factory=lambda: Flights(lambda one: one.size, MOST_SHARED, SHARED_SECONDS))

    @asynccontextmanager
    async def turn_for_post(self, url: str) -> AsyncIterator[None]:
        """Wait until one more post may fetch pictures like the one at the URL; raises Silent."""
        host = self.fetching.host_of(url)
        async with host.turn(host.posts):
            await self._until_there_is_space()
            yield

    async def _until_there_is_space(self) -> None:
        """Wait while the pictures of other posts take up all the space there is: it is freed as those are sent."""
        while self.files.is_full:
            self._keep_nothing()
            if self.files.is_full:
                await asyncio.sleep(LOOK_EVERY)

    def _keep_nothing(self) -> None:
        self.fetched.shed()
        self.fitted.shed()

    async def picture(self, client: httpx.AsyncClient, url: str, limits: PictureLimits) -> Picture:
        """The picture at the address within the limits; raises MediaError. After that it is fetched again."""
        if self.files.are_gone:
            self._keep_nothing()
        file = await self.fetched.get(url, lambda: self.fetching.fetch(client, url))
        try:
            return await self.fitted.get((file.digest, limits), lambda: self._fitted(file, limits))
        except MediaError:
            self.fetched.forget(url)
            raise

    async def _fitted(self, file: File, limits: PictureLimits) -> Picture:
        target = self.files.new_path()
        try:
            told = await self.pool.fit(file.path, target, limits)
            kept = self.files.keep(target, told["size"], told["digest"])
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return Picture(kept, told["mime"], told["width"], told["height"], told["moves"])


ROOMS: WeakKeyDictionary[httpx.AsyncClient, Room] = WeakKeyDictionary()


def room_of(client: httpx.AsyncClient) -> Room:
    """The room shared by all who fetch with this client."""
    return ROOMS.setdefault(client, Room())

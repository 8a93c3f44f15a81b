"""The media room: nothing twice, nothing in memory, nothing on the event loop, and no program that is not given up."""

import asyncio
import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from services.publisher.media import keeping, pool, room
from services.publisher.media.fetching import POSTS_AT_ONCE, Fetching
from services.publisher.media.keeping import PictureFiles
from services.publisher.media.limits import PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.platforms.errors import Rejected, Unavailable
from services.publisher.platforms.network_time import network_time
from services.publisher.platforms.pictures import fetch_pictures, share_of
from tests.support.lag import longest_callback
from tests.support.pictures import encoded, noise, plain
from tests.support.waiting import PATIENCE, eventually

ROOMY = PictureLimits(most_bytes=1_000_000)
SMALL = PictureLimits(most_bytes=1_000_000, most_side=20)


@dataclass
class Gallery:
    """Answers every address with what it has for the path."""

    pictures: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    holds_back: str = "nothing"
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        await asyncio.sleep(0)
        if request.url.path.startswith(self.holds_back):
            await self.may_go_on.wait()
        return httpx.Response(200, content=self.pictures[request.url.path])


@pytest.fixture
def gallery() -> Gallery:
    return Gallery({"/ball": encoded(noise(40, 30), "PNG"), "/same": encoded(noise(40, 30), "PNG")})


@pytest.fixture
async def client(gallery: Gallery) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(gallery.answer)) as client:
        yield client


def at(*paths: str) -> list[dict[str, Any]]:
    return [{"url": f"https://gallery.example{path}", "alt": path} for path in paths]


def bytes_of(picture: Picture) -> bytes:
    return b"".join(picture.file.chunks())


async def test_what_many_posts_show_is_fetched_and_made_to_fit_once(
    client: httpx.AsyncClient, gallery: Gallery
) -> None:
    posts = await asyncio.gather(*(fetch_pictures(client, at("/ball", "/ball"), SMALL) for _ in range(20)))
    later = await fetch_pictures(client, at("/ball"), SMALL)

    assert gallery.asked == ["/ball"]
    assert len({id(picture.file) for post in (*posts, later) for picture in post}) == 1
    assert later[0].alt == "/ball"


async def test_one_address_serves_networks_with_other_limits(client: httpx.AsyncClient, gallery: Gallery) -> None:
    (large,), (small,) = [await fetch_pictures(client, at("/ball"), limits) for limits in (ROOMY, SMALL)]

    assert gallery.asked == ["/ball"]
    assert [(one.width, one.height) for one in (large, small)] == [(40, 30), (20, 15)]


async def test_equal_pictures_are_one_file(client: httpx.AsyncClient) -> None:
    one, other = await fetch_pictures(client, at("/ball", "/same"), ROOMY)

    assert one.file is other.file


async def test_a_post_that_is_given_up_takes_nothing_from_those_who_wait_for_the_same(
    client: httpx.AsyncClient, gallery: Gallery
) -> None:
    given_up, *others = [asyncio.create_task(fetch_pictures(client, at("/ball"), SMALL)) for _ in range(3)]
    await eventually(lambda: bool(gallery.asked), what="it is asked for")
    given_up.cancel()

    assert [len(pictures) for pictures in await asyncio.gather(*others)] == [1, 1]


async def test_what_failed_is_fetched_again(client: httpx.AsyncClient, gallery: Gallery) -> None:
    gallery.pictures["/new"] = b"not yet"
    with pytest.raises(Rejected):
        await fetch_pictures(client, at("/new"), ROOMY)

    gallery.pictures["/new"] = encoded(plain(8, 8), "PNG")

    assert len(await fetch_pictures(client, at("/new"), ROOMY)) == 1


async def test_a_file_is_there_as_long_as_somebody_holds_it(tmp_path: Path) -> None:
    files = PictureFiles()
    path = files.new_path()
    path.write_bytes(b"ball")

    file = files.keep(path, 4, "digest")
    assert (path.exists(), files.kept) == (True, 4)
    del file
    gc.collect()

    assert (path.exists(), files.kept) == (False, 0)


async def test_a_directory_that_somebody_has_cleaned_away_is_made_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = PictureFiles()
    monkeypatch.setitem(room.ROOMS, client, room.Room(Fetching(files), files=files))
    held = await fetch_pictures(client, at("/ball"), ROOMY)
    shutil.rmtree(files.new_path().parent)

    again = [await fetch_pictures(client, at("/ball"), limits) for limits in (ROOMY, SMALL)]

    assert held[0].file.path.parent != files.new_path().parent
    assert [(one.width, one.height) for (one,) in again] == [(40, 30), (20, 15)]
    assert all(bytes_of(one) for (one,) in again)


async def test_no_post_begins_to_fetch_while_all_space_is_taken(
    client: httpx.AsyncClient, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await fetch_pictures(client, at("/ball"), ROOMY)
    monkeypatch.setattr(keeping, "MOST_KEPT", 1)
    waiting = asyncio.create_task(fetch_pictures(client, at("/same"), SMALL))
    done, _ = await asyncio.wait([waiting], timeout=3 * room.LOOK_EVERY)
    assert (done, gallery.asked) == (set(), ["/ball"])

    del held

    assert len(await waiting) == 1


async def test_only_a_few_posts_have_some_of_their_pictures_and_wait_for_others(
    client: httpx.AsyncClient, gallery: Gallery
) -> None:
    """Otherwise so many could begin at once that what they have takes more space than there is."""
    numbers = range(4 * POSTS_AT_ONCE)
    gallery.holds_back = "/late"
    for number in numbers:
        gallery.pictures[f"/soon{number}"] = encoded(plain(8, 8, (number, 0, 0)), "PNG")
        gallery.pictures[f"/late{number}"] = encoded(plain(8, 8, (number, 9, 0)), "PNG")
    media = [[*at(f"/soon{one}"), {"url": f"https://elsewhere.example/late{one}"}] for one in numbers]

    posts = [asyncio.create_task(fetch_pictures(client, pictures, ROOMY)) for pictures in media]
    await eventually(lambda: soon(gallery) >= POSTS_AT_ONCE, what="some have begun")
    for _ in range(500):
        await asyncio.sleep(0)
    begun = soon(gallery)
    gallery.may_go_on.set()

    assert [len(pictures) for pictures in await asyncio.gather(*posts)] == [2] * len(posts)
    assert begun == POSTS_AT_ONCE


def soon(gallery: Gallery) -> int:
    return sum(path.startswith("/soon") for path in gallery.asked)


def test_what_a_killed_publisher_has_left_is_removed_by_the_next(tmp_path: Path) -> None:
    program = "import os, signal; from services.publisher.media.keeping import PictureFiles; "
    program += "PictureFiles().new_path().write_bytes(b'left'); "
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", program + "os.kill(os.getpid(), signal.SIGKILL)"], env=environment, check=False
    )
    (left,) = tmp_path.iterdir()

    look = program + f"print({str(left)!r} in map(str, __import__('pathlib').Path({str(tmp_path)!r}).iterdir()))"
    told = subprocess.run([sys.executable, "-c", look], env=environment, check=True, capture_output=True, text=True)

    assert told.stdout.strip() == "False"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def no_idle_programs() -> Iterator[None]:
    pool.end_all()
    yield
    pool.end_all()


@pytest.mark.usefixtures("no_idle_programs")
async def test_however_many_pictures_there_are_a_few_programs_make_them_fit(
    client: httpx.AsyncClient, gallery: Gallery
) -> None:
    paths = [f"/{number}" for number in range(12)]
    gallery.pictures |= {path: encoded(plain(40, 30, (number, 0, 0)), "PNG") for number, path in enumerate(paths)}

    pictures = await fetch_pictures(client, at(*paths), SMALL)

    assert [picture.alt for picture in pictures] == paths
    assert 1 <= len(pool.IDLE) <= pool.PROCESSES


@pytest.mark.usefixtures("no_idle_programs")
async def test_a_program_whose_job_is_cancelled_while_it_starts_is_kept_for_the_next(
    client: httpx.AsyncClient, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.pictures["/one"] = encoded(plain(40, 30, (0, 0, 0)), "PNG")
    begun, may_start, start = threading.Event(), threading.Event(), pool.Worker

    def slow_to_start() -> pool.Worker:
        begun.set()
        may_start.wait(PATIENCE)
        return start()

    monkeypatch.setattr(pool, "Worker", slow_to_start)
    fetching = asyncio.create_task(fetch_pictures(client, at("/one"), SMALL))
    await asyncio.to_thread(begun.wait, PATIENCE)
    fetching.cancel()
    may_start.set()

    await eventually(lambda: pool.IDLE, what="the program is kept")
    monkeypatch.setattr(pool, "Worker", None)
    assert await fetch_pictures(client, at("/one"), SMALL)


@pytest.mark.usefixtures("no_idle_programs")
async def test_a_picture_that_crashes_the_program_is_refused_by_its_address(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PROGRAM", "tests.support.crashing_worker")
    with pytest.raises(Rejected, match=r"media https://gallery.example/ball: .* can bear") as caught:
        await fetch_pictures(client, at("/ball"), SMALL)
    monkeypatch.undo()

    assert caught.value.detail.code == "media_unreadable"
    assert len(await fetch_pictures(client, at("/ball"), SMALL)) == 1


@pytest.mark.usefixtures("no_idle_programs")
async def test_a_picture_that_is_never_done_is_given_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By processor time: that a machine is slow does not count."""
    monkeypatch.setattr(pool, "PROGRAM", "tests.support.spinning_worker")

    with pytest.raises(Rejected, match="can bear"):
        await fetch_pictures(client, at("/ball"), SMALL)


@pytest.mark.usefixtures("no_idle_programs")
async def test_a_picture_that_takes_more_memory_than_there_may_be_is_refused(
    client: httpx.AsyncClient, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PROGRAM", "tests.support.narrow_worker")
    gallery.pictures["/large"] = encoded(plain(7000, 7000), "PNG")

    with pytest.raises(Rejected, match="more memory than a picture may have"):
        await fetch_pictures(client, at("/large"), SMALL)

    assert len(await fetch_pictures(client, at("/ball"), SMALL)) == 1


@pytest.mark.usefixtures("no_idle_programs")
async def test_a_program_that_ended_while_it_had_nothing_to_do_costs_no_picture(client: httpx.AsyncClient) -> None:
    await fetch_pictures(client, at("/ball"), ROOMY)
    for worker in pool.IDLE:
        worker._process.send_signal(signal.SIGKILL)
        worker._process.wait()

    assert len(await fetch_pictures(client, at("/ball"), SMALL)) == 1


async def test_a_full_disk_is_not_the_picture_s_fault(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PictureFiles, "new_path", lambda _: Path("/dev/full/none"))

    with pytest.raises(Unavailable) as caught:
        await fetch_pictures(client, at("/ball"), SMALL)

    assert caught.value.detail.code == "media_not_kept"


async def test_a_large_picture_never_keeps_the_event_loop(client: httpx.AsyncClient, gallery: Gallery) -> None:
    photo = encoded(noise(2400, 1800), "JPEG", quality=95)
    gallery.pictures["/photo"] = photo
    assert len(photo) > 5_000_000

    with longest_callback() as longest:
        (picture,) = await fetch_pictures(client, at("/photo"), PictureLimits(most_bytes=3_000_000))

    assert picture.size <= 3_000_000
    assert longest.lasted < timedelta(milliseconds=10), longest.what


async def test_waiting_for_pictures_is_not_counted_as_the_network_s_time(
    client: httpx.AsyncClient, gallery: Gallery
) -> None:
    """Here it may take less time than a program needs to start."""
    pool.end_all()
    told: list[float | None] = []

    async with network_time(timedelta(seconds=0.05), told.append):
        pictures = await fetch_pictures(client, at("/ball", "/same"), SMALL)

    assert len(pictures) == 2
    assert told[0] is None
    assert told[-1] is not None


async def test_pictures_that_have_too_much_together_share_what_there_is(
    client: httpx.AsyncClient, gallery: Gallery
) -> None:
    gallery.pictures |= {"/large": encoded(noise(500, 400), "PNG"), "/larger": encoded(noise(600, 400), "PNG")}
    sizes = {path: len(data) for path, data in gallery.pictures.items()}
    together = sizes["/ball"] + sizes["/large"]

    pictures = await fetch_pictures(client, at("/large", "/ball", "/larger"), ROOMY, most_together=together)

    assert sum(picture.size for picture in pictures) <= together
    assert bytes_of(pictures[1]) == gallery.pictures["/ball"]
    assert [picture.mime for picture in pictures] == ["image/jpeg", "image/png", "image/jpeg"]


@pytest.mark.parametrize(
    ("sizes", "moving", "most", "share"),
    [
        ([9, 9, 9, 9], [], 24, 6),
        ([2, 9, 9, 9], [], 23, 7),
        ([9, 9], [10], 24, 7),
        ([1, 2, 20], [3], 16, 10),
    ],
)
def test_a_share_is_fair(sizes: list[int], moving: list[int], most: int, share: int) -> None:
    assert share_of([*map(a_picture, sizes), *(a_picture(size, moves=True) for size in moving)], most) == share


def test_animations_that_leave_no_room_are_refused() -> None:
    with pytest.raises(Rejected, match="the animations have more"):
        share_of([a_picture(30, moves=True), a_picture(3)], 24)


def a_picture(size: int, *, moves: bool = False) -> Picture:
    return Picture(keeping.File(Path("/dev/null"), size, ""), "image/png", 1, 1, moves=moves)


async def test_metrics_tell_what_is_kept(client: httpx.AsyncClient, gallery: Gallery) -> None:
    gallery.pictures["/ball"] = encoded(noise(41, 31), "PNG")
    gc.collect()
    before = metric("timeball_media_kept_bytes")

    held = await fetch_pictures(client, at("/ball"), ROOMY)

    assert metric("timeball_media_kept_bytes") == before + sum(picture.size for picture in held)
    assert metric("timeball_media_waiting") == 0


def metric(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value

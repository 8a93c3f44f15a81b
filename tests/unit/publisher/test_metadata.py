"""No picture tells more than it shows, and none whose metadata is broken does harm."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageSequence

from services.publisher.media.errors import Unfit
from services.publisher.media.fitting import fitted
from services.publisher.media.limits import PictureLimits
from services.publisher.media.metadata import Broken, without_metadata
from tests.support.pictures import SECRETS, animation, encoded, noise, opened, photo, plain, talkative

MOVING = ("image/gif", "image/png", "image/webp")
ROOMY = PictureLimits(most_bytes=10_000_000, moving=MOVING)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
KINDS = ("JPEG", "PNG", "WEBP", "GIF")


def secrets_in(data: bytes) -> list[bytes]:
    return [secret for secret in SECRETS if secret in data]


def looks_like(data: bytes, other: bytes) -> bool:
    return ImageChops.difference(opened(data).convert("RGB"), opened(other).convert("RGB")).getbbox() is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_fits_loses_all_that_it_tells_and_nothing_that_it_shows(kind: str) -> None:
    data = talkative(noise(64, 48), kind)
    assert secrets_in(data) == list(SECRETS)

    picture = fitted(data, ROOMY)

    assert picture.mime == f"image/{kind.lower()}"
    assert secrets_in(picture.data) == []
    assert not opened(picture.data).getexif()
    assert looks_like(picture.data, data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "limits",
    [
        PictureLimits(most_bytes=10_000_000, most_side=32),
        PictureLimits(most_bytes=10_000_000, types=("image/jpeg",), most_pixels=1000),
    ],
    ids=["smaller", "as a JPEG"],
)
def test_a_picture_that_is_made_to_fit_tells_nothing_either(kind: str, limits: PictureLimits) -> None:
    picture = fitted(talkative(noise(64, 48), kind), limits)

    assert secrets_in(picture.data) == []
    assert not opened(picture.data).getexif()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_turned_tells_nothing_either(kind: str) -> None:
    exif = opened(photo(8, 8, orientation=6)).getexif()
    exif[0x010E] = SECRETS[0].decode()
    data = encoded(noise(64, 48), kind, exif=exif)
    assert SECRETS[0] in data

    picture = fitted(data, ROOMY)

    assert (picture.width, picture.height) == (48, 64)
    assert secrets_in(picture.data) == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_colour_profile_stays(kind: str) -> None:
    data = talkative(noise(64, 48), kind, icc_profile=PROFILE)

    assert opened(fitted(data, ROOMY).data).info["icc_profile"] == PROFILE


def test_a_long_colour_profile_in_several_segments_stays() -> None:
    profile = PROFILE + bytes(100_000)
    data = talkative(noise(64, 48), "JPEG", icc_profile=profile)

    assert opened(fitted(data, ROOMY).data).info["icc_profile"] == profile


def test_a_hidden_thumbnail_is_gone() -> None:
    """It may show what was cut off from the picture."""
    thumbnail = encoded(plain(16, 16, "green"), "JPEG")
    segment = b"JFXX\0\x10" + thumbnail
    data = encoded(noise(64, 48), "JPEG")
    hidden = data[:2] + b"\xff\xe0" + (len(segment) + 2).to_bytes(2) + segment + data[2:]

    assert thumbnail not in fitted(hidden, ROOMY).data


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_keeps_moving_as_before(kind: str) -> None:
    bare = animation(kind)
    first = Image.open(io.BytesIO(bare))
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(first)]
    rest = {"save_all": True, "append_images": frames[1:], "duration": 100, "loop": 0}

    picture = fitted(talkative(frames[0], kind, **rest), ROOMY)

    moving = Image.open(io.BytesIO(picture.data))
    assert picture.moves
    assert (moving.n_frames, moving.info["loop"]) == (3, 0)  # type: ignore[attr-defined]
    assert secrets_in(picture.data) == []


def test_progressive_jpegs_with_restart_markers_are_walked_through() -> None:
    data = talkative(noise(200, 100), "JPEG", progressive=True, restart_marker_rows=1)

    picture = fitted(data, ROOMY)

    assert secrets_in(picture.data) == []
    assert looks_like(picture.data, data)


def broken_jpeg() -> bytes:
    data = encoded(noise(64, 48), "JPEG")
    segment = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\xff\xff" * 3
    return data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2) + segment + data[2:]


def broken_png() -> bytes:
    """Its EXIF is nonsense, and so is the checksum of that."""
    data = encoded(noise(64, 48), "PNG")
    chunk = b"\0\0\0\x0ceXIfMM\0*\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04"
    return data[:33] + chunk + data[33:]


def broken_webp() -> bytes:
    return encoded(noise(64, 48), "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\xff\xff")


@pytest.mark.parametrize("make", [broken_jpeg, broken_png, broken_webp])
@pytest.mark.parametrize(
    "limits", [ROOMY, PictureLimits(most_bytes=1_000_000, most_side=32)], ids=["fits", "too large"]
)
def test_metadata_that_nobody_can_read_spoils_no_good_picture(make: Callable[[], bytes], limits: PictureLimits) -> None:
    picture = fitted(make(), limits)

    assert opened(picture.data).size == (picture.width, picture.height)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.97])
def test_an_animation_that_breaks_off_is_refused(kind: str, part: float) -> None:
    data = animation(kind, width=300, height=200)

    with pytest.raises(Unfit) as caught:
        fitted(data[: int(len(data) * part)], ROOMY)

    assert caught.value.code == "media_unreadable"


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8))
def test_whatever_is_damaged_is_unfit_and_nothing_else(kind: str, end: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(talkative(noise(16, 12), kind))[: end or None]
    for place, value in changes:
        data[place % len(data)] = value

    try:
        picture = fitted(bytes(data), ROOMY)
    except Unfit:
        return
    assert opened(picture.data).size == (picture.width, picture.height)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_of_its_type_is_told_apart(kind: str) -> None:
    for data in (b"", b"\xff", b"GIF89a", b"RIFF\x04\0\0\0WEBP", encoded(plain(8, 8), "BMP")):
        if not (kind == "WEBP" and data.startswith(b"RIFF")):
            with pytest.raises(Broken):
                without_metadata(data, f"image/{kind.lower()}")

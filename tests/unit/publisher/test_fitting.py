"""A picture that fits is left alone, one that does not is made to fit, and what is none is refused with the reason."""

import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from services.publisher.media.errors import Unfit
from services.publisher.media.fitting import Fitted, fitted
from services.publisher.media.limits import PictureLimits
from tests.support.pictures import animation, encoded, heic, is_like, noise, opened, photo, plain

MOVING = ("image/gif", "image/png", "image/webp")
ROOMY = PictureLimits(most_bytes=1_000_000, moving=MOVING)
JPEG_ONLY = PictureLimits(most_bytes=1_000_000, types=("image/jpeg",))
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def fit(data: bytes, limits: PictureLimits = ROOMY) -> Fitted:
    return fitted(data, limits)


def refusal(data: bytes, limits: PictureLimits = ROOMY) -> Unfit:
    with pytest.raises(Unfit) as caught:
        fit(data, limits)
    return caught.value


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_picture_that_fits_is_left_as_it_is(kind: str) -> None:
    data = encoded(plain(40, 30), kind)

    picture = fit(data)

    assert (picture.data, picture.mime) == (data, f"image/{kind.lower()}")
    assert (picture.width, picture.height) == (40, 30)


def test_a_picture_with_too_many_bytes_becomes_a_smaller_jpeg() -> None:
    data = encoded(noise(600, 400), "PNG")

    picture = fit(data, PictureLimits(most_bytes=60_000))

    assert len(data) > 600_000
    assert len(picture.data) <= 60_000
    small = opened(picture.data)
    assert (small.format, picture.mime, small.size) == ("JPEG", "image/jpeg", (picture.width, picture.height))
    assert small.width / small.height == pytest.approx(1.5, abs=0.02)


def test_quality_is_given_up_before_size() -> None:
    picture = fit(encoded(noise(600, 400), "PNG"), PictureLimits(most_bytes=200_000))

    assert (picture.width, picture.height) == (600, 400)


def test_a_picture_with_a_long_side_is_made_smaller() -> None:
    picture = fit(encoded(plain(800, 100), "PNG"), PictureLimits(most_bytes=1_000_000, most_side=400))

    assert (picture.width, picture.height) == opened(picture.data).size == (400, 50)


def test_a_picture_with_too_many_pixels_is_made_smaller() -> None:
    picture = fit(encoded(plain(800, 200), "JPEG"), PictureLimits(most_bytes=1_000_000, most_pixels=40_000))

    assert (picture.width, picture.height) == opened(picture.data).size == (400, 100)


def test_a_heic_becomes_a_jpeg() -> None:
    """What phones make of a photo."""
    jpeg = opened(fit(heic(plain(64, 48))).data)

    assert (jpeg.format, jpeg.size) == ("JPEG", (64, 48))
    assert is_like(jpeg.getpixel((20, 15)), RED)


def test_a_picture_that_cannot_be_made_to_fit_is_refused() -> None:
    error = refusal(encoded(noise(600, 400), "PNG"), PictureLimits(most_bytes=500))

    assert error.code == "media_too_large"
    assert "500 bytes" in str(error)


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (plain(40, 30, (0, 255, 255, 0), mode="CMYK"), "TIFF"),
        (plain(40, 30).convert("P"), "PNG"),
        (plain(40, 30, (255, 0, 0, 255), mode="RGBA"), "PNG"),
        (plain(40, 30), "BMP"),
        (plain(40, 30), "AVIF"),
    ],
    ids=["CMYK", "palette", "opaque alpha", "BMP", "AVIF"],
)
def test_whatever_its_colours_and_type_it_can_become_a_jpeg(picture: Image.Image, kind: str) -> None:
    jpeg = opened(fit(encoded(picture, kind), JPEG_ONLY).data)

    assert (jpeg.format, jpeg.mode) == ("JPEG", "RGB")
    assert is_like(jpeg.getpixel((20, 15)), RED)


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(("mode", "profile"), [("RGB", PROFILE), ("RGBA", PROFILE), ("L", None)])
def test_a_colour_profile_stays_where_the_colours_do(mode: str, profile: bytes | None) -> None:
    data = encoded(plain(800, 100).convert(mode), "PNG", icc_profile=PROFILE)

    jpeg = opened(fit(data, PictureLimits(most_bytes=1_000_000, most_side=400)).data)

    assert jpeg.info.get("icc_profile") == profile


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    clear = plain(40, 30, (0, 0, 0, 0), mode="RGBA")
    picture = clear.quantize(method=Image.Quantize.FASTOCTREE) if mode == "P" else clear.convert(mode)

    jpeg = opened(fit(encoded(picture, "PNG"), JPEG_ONLY).data)

    assert is_like(jpeg.getpixel((20, 15)), WHITE)


def test_sixteen_bits_of_grey_stay_grey() -> None:
    jpeg = opened(fit(encoded(plain(40, 30, 128 * 256, mode="I;16"), "PNG"), JPEG_ONLY).data)

    assert is_like(jpeg.getpixel((20, 15)), (128, 128, 128))


@pytest.mark.parametrize(
    ("orientation", "corner", "size"), [(3, BLUE, (40, 20)), (6, RED, (20, 40)), (8, BLUE, (20, 40))]
)
def test_a_photo_taken_sideways_is_turned_upright(orientation: int, corner: Any, size: Any) -> None:
    data = photo(80, 40, orientation=orientation)

    turned = fit(data, PictureLimits(most_bytes=1_000_000, most_side=40))

    jpeg = opened(turned.data)
    assert (turned.width, turned.height) == jpeg.size == size
    assert is_like(jpeg.getpixel((2, 2)), corner, by=40)
    assert jpeg.getexif().get(274, 1) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_taken_sideways_is_turned_upright_though_it_fits(kind: str) -> None:
    data = photo(80, 40, orientation=6, kind=kind)

    turned = fit(data)

    picture = opened(turned.data)
    assert (turned.mime, picture.size, (turned.width, turned.height)) == (f"image/{kind.lower()}", (40, 80), (40, 80))
    assert is_like(picture.convert("RGB").getpixel((2, 2)), RED, by=40)
    assert picture.getexif().get(274, 1) == 1


def test_turning_a_photo_costs_no_quality() -> None:
    data = photo(80, 40, orientation=3)

    assert opened(fit(data).data).quantization == opened(data).quantization  # type: ignore[attr-defined]


def test_a_camera_s_jpeg_with_a_second_picture_inside_is_a_jpeg() -> None:
    """The second one is left out: it may be a film, or the whole photo before it was cut."""
    data = encoded(plain(40, 30), "MPO", save_all=True, append_images=[plain(40, 30, "blue")])

    picture = fit(data)

    assert (picture.mime, opened(picture.data).format, opened(picture.data).size) == ("image/jpeg", "JPEG", (40, 30))
    assert is_like(opened(picture.data).getpixel((20, 15)), RED)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_that_fits_keeps_moving(kind: str) -> None:
    data = animation(kind)

    assert fit(data).data == data


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (PictureLimits(most_bytes=100, moving=MOVING), "make it smaller"),
        (PictureLimits(most_bytes=1_000_000, most_side=20, moving=MOVING), "20 pixels a side"),
        (PictureLimits(most_bytes=1_000_000, most_pixels=500, moving=MOVING), "500 pixels"),
        (JPEG_ONLY, "use a still picture"),
        (PictureLimits(most_bytes=1_000_000, moving=("image/png",)), "would stand still here"),
    ],
)
def test_an_animation_that_does_not_fit_is_refused_rather_than_stopped(limits: PictureLimits, reason: str) -> None:
    assert reason in str(refusal(animation(), limits))


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is this large, and holds nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_100, 9_600, 14_000, 60_000])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    """Its header is all that is looked at: there is nothing else in it, and that is not what is complained about."""
    error = refusal(png_of(side, side))

    assert error.code == "media_too_large"
    assert "50,000,000 pixels" in str(error)


def drawn_again(data: bytes, times: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times more."""
    last = data[data.rindex(b"\xff\xda") : -len(END)]
    return data[: -len(END)] + last * times + END


END = b"\xff\xd9"


@pytest.mark.parametrize("kind", ["JPEG", "MPO"])
def test_a_jpeg_that_is_drawn_without_end_is_refused_before_it_is_unpacked(kind: str) -> None:
    progressive = encoded(plain(40, 30), kind, progressive=True)

    error = refusal(drawn_again(progressive, 100))

    assert error.code == "media_unreadable"
    assert "more than 100 scans; save it as an ordinary JPEG" in str(error)


def test_an_ordinary_progressive_jpeg_is_left_as_it_is() -> None:
    data = encoded(noise(60, 40), "JPEG", progressive=True)

    assert fit(data).data == data


def test_what_only_looks_like_scans_behind_a_photo_does_no_harm() -> None:
    """Phones put a short film behind a photo."""
    data = encoded(plain(40, 30), "JPEG")

    assert fit(data + b"\xff\xda film" * 1000).data == data


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
NO_PICTURES = [b"", b"\x00", b"<html>Sign in</html>", b'{"error": "gone"}', b"GIF89a", b"\xff\xd8\xff", SVG, EPS]


@pytest.mark.parametrize("data", NO_PICTURES)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert refusal(data).code == "media_unreadable"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF"])
def test_half_a_picture_is_refused(kind: str) -> None:
    data = heic(noise(60, 40)) if kind == "HEIF" else encoded(noise(60, 40), kind)

    assert refusal(data[: len(data) // 2]).code == "media_unreadable"


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about what is damaged
@settings(deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_a_damaged_picture_is_refused_or_shown_and_never_breaks_anything(
    kind: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(encoded(noise(16, 12), kind))
    for place, value in changes:
        data[place % len(data)] = value

    try:
        picture = fit(bytes(data), PictureLimits(most_bytes=300, types=("image/jpeg",)))
    except Unfit:
        return
    assert len(picture.data) <= 300

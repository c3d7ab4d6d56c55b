import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from clinic.accounts import images, photos
from clinic.accounts.images import MAX_PIXELS, MAX_PIXELS_DECODED, SIDE
from clinic.accounts.models import User
from clinic.common import clock
from clinic.common.limits import limit_user
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from testkit.clinic.answers import attr_of, refusal
from testkit.clinic.world import World, fresh

PHOTO = "/api/v1/users/me/photo"
EXIF_ORIENTATION, EXIF_MAKER, EXIF_GPS = 0x0112, 0x010F, 0x8825


def picture(kind: str = "JPEG", size: tuple[int, int] = (1200, 800), mode: str = "RGB", **options: Any) -> bytes:
    encoded = BytesIO()
    Image.new(mode, size, "red").save(encoded, kind, **options)
    return encoded.getvalue()


def upload(world: World, content: bytes, *, user: User | None = None, name: str = "me.jpg", path: str = PHOTO) -> Any:
    file = SimpleUploadedFile(name, content, content_type="image/jpeg")
    return world.client(user or world.paula).post(path, {"photo": file}, format="multipart")


def files() -> list[Path]:
    folder = Path(settings.MEDIA_ROOT) / "photos"
    return sorted(folder.iterdir()) if folder.exists() else []


def fetch(path: str) -> Any:
    return APIClient().get(path)


@pytest.mark.parametrize("path", [PHOTO, f"{PHOTO}/", "/api/v1/profiles/me/photo", "/api/users/me/photo"])
def test_a_photo_is_stored_and_shown(world: World, path: str) -> None:
    response = upload(world, picture(), path=path)
    assert response.status_code == 200, response.json()
    shown = fetch(response.json()["photo"])
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/webp")
    with Image.open(BytesIO(shown.content)) as stored:
        assert (stored.format, stored.size) == ("WEBP", (SIDE, 341))
    assert world.client(world.paula).get("/api/v1/users/me").json()["photo"] == response.json()["photo"]


def test_practitioner_s_photo_is_in_lists_and_in_their_row(world: World) -> None:
    photo = upload(world, picture(), user=world.petra).json()["photo"]
    client, practitioner_id = world.client(), world.petra.practitioner.pk
    listed = client.get("/api/v1/practitioners?clinic=riverside").json()["results"]
    assert {row["name"]: row["photo"] for row in listed} == {"Dr Petra": photo, "Dr Quentin": None}
    assert client.get(f"/api/v1/practitioners/{practitioner_id}").json()["photo"] == photo


def test_a_photo_is_served_so_that_it_can_be_nothing_else(world: World) -> None:
    headers = fetch(upload(world, picture()).json()["photo"]).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "immutable" in headers["Cache-Control"]


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("PNG", "I;16"), ("WEBP", "RGB"), ("JPEG", "CMYK")]
)
def test_the_type_is_told_by_the_content(world: World, kind: str, mode: str) -> None:
    colour = 0 if mode == "I;16" else "red"
    encoded = BytesIO()
    Image.new(mode, (40, 30), colour).save(encoded, kind)
    assert upload(world, encoded.getvalue(), name="holiday.exe").status_code == 200


def test_no_metadata_is_kept(world: World) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION], exif[EXIF_MAKER] = 6, "Secret Camera"
    exif.get_ifd(EXIF_GPS)[1] = "N"
    sent = picture(exif=exif, icc_profile=b"Secret profile", comment=b"Secret comment")
    assert sent.count(b"Secret") == 3
    stored = fetch(upload(world, sent).json()["photo"]).content
    assert b"Secret" not in stored
    with Image.open(BytesIO(stored)) as kept:
        assert (dict(kept.getexif()), kept.size) == ({}, (341, SIDE))  # Upright all the same.
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(kept.info)


def png_that_claims(width: int, height: int) -> bytes:
    """Some hundred bytes, and a header that says more."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "content",
    [
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 100,
        picture()[:500],
        picture("PNG")[:-40],
        png_that_claims(100, 100),
        png_that_claims(6000, 4001),
        png_that_claims(12_000, 12_000),
        png_that_claims(2**31 - 1, 2**31 - 1),
        b"\xff\xd8\xff" + b"\0" * 1000,
        b"%PDF-1.7",
    ],
    ids=range(11),
)
def test_file_that_is_no_picture_is_refused_and_not_kept(world: World, content: bytes) -> None:
    response = upload(world, content)
    assert (refusal(response), attr_of(response)) == ((400, "invalid"), "photo")
    assert files() == []


def is_taken(content: bytes) -> bool:
    try:
        images.small_picture(BytesIO(content))
    except images.NotAPictureError:
        return False
    return True


@pytest.mark.parametrize(("kind", "most"), [("PNG", MAX_PIXELS_DECODED), ("JPEG", MAX_PIXELS)])
def test_a_picture_of_the_limit_is_taken_and_a_larger_one_refused(kind: str, most: int) -> None:
    assert is_taken(picture(kind, (4000, most // 4000)))
    assert not is_taken(picture(kind, (4000, most // 4000 + 1)))


def test_progressive_jpeg_is_held_to_the_limit_of_what_is_decoded_whole() -> None:
    size = (4000, MAX_PIXELS_DECODED // 4000 + 1)
    assert is_taken(picture("JPEG", size))
    assert not is_taken(picture("JPEG", size, progressive=True))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animated_picture_is_refused(world: World, kind: str) -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    encoded = BytesIO()
    frames[0].save(encoded, kind, save_all=True, append_images=frames[1:])
    assert refusal(upload(world, encoded.getvalue())) == (400, "invalid")


def test_photo_while_another_is_decoded_is_refused_for_a_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "DECODE_WAIT_SECONDS", 0.05)
    client = world.client(world.paula)
    client.raise_request_exception = False
    file = SimpleUploadedFile("me.jpg", picture(), content_type="image/jpeg")
    with photos._decoding:
        response: Any = client.post(PHOTO, {"photo": file}, format="multipart")
    assert refusal(response) == (503, "photos_busy")
    assert int(response.headers["Retry-After"]) >= 1
    assert files() == []
    assert upload(world, picture()).status_code == 200


def test_refused_picture_leaves_the_way_free(world: World) -> None:
    for _ in range(3):
        assert refusal(upload(world, b"no picture")) == (400, "invalid")
    assert upload(world, picture()).status_code == 200


def test_user_uploads_so_many_photos_an_hour(world: World) -> None:
    for _ in range(photos.UPLOADS.most):
        limit_user(photos.UPLOADS, world.paula.pk, now=clock.now())
    response = upload(world, picture())
    assert refusal(response) == (429, "throttled")
    assert "Retry-After" in response.headers
    assert upload(world, picture(), user=world.pete).status_code == 200


MEASURED = """
import resource, sys
from pathlib import Path
from clinic.accounts.images import NotAPictureError, small_picture
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Path(sys.argv[1]).open("rb") as file:
    try:
        small_picture(file)
    except NotAPictureError:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_picture_of_24_megapixels_takes_less_than_100_megabytes(
    tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    file = tmp_path / "bomb"
    file.write_bytes(picture(kind, (6000, 4000), **(options if kind == "JPEG" else {})))
    run = subprocess.run(
        [sys.executable, "-c", MEASURED, str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < 100_000, "kilobytes"


@pytest.mark.parametrize("body", [{}, {"photo": "text"}])
def test_a_photo_is_needed(world: World, body: dict[str, Any]) -> None:
    response = world.client(world.paula).post(PHOTO, body, format="multipart")
    assert (response.status_code, attr_of(response)) == (400, "photo")


def test_an_empty_file_is_refused(world: World) -> None:
    response = upload(world, b"")
    assert (refusal(response), attr_of(response)) == ((400, "empty"), "photo")


def test_a_file_may_be_5_mb_and_no_more(world: World) -> None:
    padded = picture() + b"\0" * (5 * 1024 * 1024 - 20_000)
    assert upload(world, padded).status_code == 200
    assert refusal(upload(world, padded + b"\0" * 100_000)) == (413, "request_too_large")


def test_picture_of_some_megabytes_is_taken_by_the_page_and_a_larger_one_refused_as_a_page(world: World) -> None:
    page = Client(headers={"Accept": "text/html"})
    page.force_login(world.paula)
    padded = picture("PNG") + b"\0" * 2 * 1024 * 1024
    saved = page.post("/me/photo", {"photo": SimpleUploadedFile("me.png", padded, "image/png")})
    assert (saved.status_code, fresh(world.paula).photo != "") == (302, True)
    larger = SimpleUploadedFile("me.png", padded + b"\0" * 4 * 1024 * 1024, "image/png")
    refused = page.post("/me/photo", {"photo": larger}, headers={"Accept-Language": "de"})
    assert refused.status_code == 413
    assert "5 MB" in refused.content.decode()
    assert '<html lang="de"' in refused.content.decode()


def test_the_larger_limit_is_the_photos_alone(world: World) -> None:
    client = world.client(world.paula)
    for path in ("/api/v1/users/me", "/api/v1/appointments", f"{PHOTO}/other"):
        response = client.post(path, {"notes": "x" * 300_000})
        assert refusal(response) == (413, "request_too_large")


def test_a_new_photo_takes_the_place_of_the_old(world: World, django_capture_on_commit_callbacks: Any) -> None:
    first = upload(world, picture()).json()["photo"]
    with django_capture_on_commit_callbacks(execute=True):
        second = upload(world, picture()).json()["photo"]
    assert first != second
    assert [file.name for file in files()] == [second.rpartition("/")[2]]
    assert refusal(fetch(first)) == (404, "not_found")


def test_a_photo_can_be_removed(world: World, django_capture_on_commit_callbacks: Any) -> None:
    upload(world, picture())
    with django_capture_on_commit_callbacks(execute=True):
        response = world.client(world.paula).delete(PHOTO)
    assert (response.status_code, response.json()["photo"]) == (200, None)
    assert files() == []
    assert world.client(world.paula).delete(PHOTO).status_code == 200


def test_each_has_their_own(world: World) -> None:
    for user in (world.paula, world.petra):
        upload(world, picture(), user=user)
    assert len(files()) == 2
    assert fresh(world.paula).photo != fresh(world.petra).photo
    assert fresh(world.pete).photo == ""


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fetc%2Fpasswd", "x.webp", "A" * 22 + ".webp", "A" * 22 + ".png", "..", "%00"]
)
def test_no_other_file_can_be_read(world: World, name: str) -> None:
    assert refusal(fetch(f"/api/v1/photos/{name}")) == (404, "not_found")


def test_transparent_becomes_white(world: World) -> None:
    encoded = BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(encoded, "PNG")
    with Image.open(BytesIO(images.small_picture(BytesIO(encoded.getvalue())))) as kept:
        assert kept.getpixel((5, 5)) == (255, 255, 255)

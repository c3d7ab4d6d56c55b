"""Pure: any picture becomes a small one of ours. Nothing of the file that was sent is kept: no metadata, no tricks."""

from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageOps

# By content, whatever the file's name says. Each is decoded by a library that is looked after.
FORMATS = ("JPEG", "PNG", "WEBP")
# Size of a good camera's picture. A baseline JPEG is decoded at a fraction of its size, whatever it claims.
MAX_PIXELS = 24_000_000
# Of what must be decoded whole: PNG, WebP, and a progressive JPEG, whose coefficients are all kept.
MAX_PIXELS_DECODED = 8_000_000
SIDE = 512
WHITE = (255, 255, 255)


class NotAPictureError(ValueError):
    """Says what is wrong, to whoever sent it."""


def small_picture(file: BinaryIO) -> bytes:
    """A WebP of 512 by 512 pixels at most, upright, on white where it was transparent. Raises NotAPictureError."""
    try:
        return _encode(_upright(_decode(file)))
    except NotAPictureError:
        raise
    except Exception as error:  # What decoders raise over broken or hostile files is an open list.
        raise NotAPictureError("This is not a JPEG, PNG or WebP picture.") from error


def _decode(file: BinaryIO) -> Image.Image:
    picture = Image.open(file, formats=FORMATS)  # Reads the header alone.
    width, height = picture.size
    is_reduced = picture.format == "JPEG" and not picture.info.get("progressive")
    most = MAX_PIXELS if is_reduced else MAX_PIXELS_DECODED
    if width * height > most:
        raise NotAPictureError(f"A picture of this kind has {most // 1_000_000} megapixels at most.")
    if getattr(picture, "n_frames", 1) > 1:
        raise NotAPictureError("A picture has one frame: this one is animated.")
    picture.draft("RGB", (SIDE * 2, SIDE * 2))  # A JPEG is decoded at a fraction of its size.
    picture.load()
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    picture = ImageOps.exif_transpose(picture)
    picture.thumbnail((SIDE, SIDE))
    return picture


def _encode(picture: Image.Image) -> bytes:
    # A fresh canvas carries no profile, comment or place over.
    canvas = Image.new("RGB", picture.size, WHITE)
    picture = picture.convert("RGBA")
    canvas.paste(picture, mask=picture.getchannel("A"))
    encoded = BytesIO()
    canvas.save(encoded, "WEBP", quality=82)
    return encoded.getvalue()

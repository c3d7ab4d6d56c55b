"""The photo of an account: a file under a name that cannot be guessed, served to whoever knows it."""

import re
import secrets
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import BoundedSemaphore
from typing import BinaryIO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from clinic.accounts.images import NotAPictureError, small_picture
from clinic.accounts.models import User
from clinic.common import clock
from clinic.common.errors import InvalidRequest, NotFound, TryAgain
from clinic.common.limits import Limit, limit_user
from clinic.common.transactions import in_one_transaction
from clinic.common.versions import write_changes

# Decoding takes tens of megabytes and all of a core: at most so many at once in one process.
MAX_DECODES = 1
DECODE_WAIT_SECONDS = 2
_decoding = BoundedSemaphore(MAX_DECODES)
UPLOADS = Limit("photo", 20, timedelta(hours=1))


class PhotosBusy(TryAgain):
    code = "photos_busy"
    detail = "Other photos are being stored. Please try again in a moment."


NAME = re.compile(r"[A-Za-z0-9_-]{22}\.webp")


def store_photo(*, user: User, file: BinaryIO) -> User:
    """In the place of the former one. Raises InvalidRequest for what is no picture, Throttled, PhotosBusy."""
    limit_user(UPLOADS, user.pk, now=clock.now())
    picture = _decode(file)
    name = f"{secrets.token_urlsafe(16)}.webp"
    default_storage.save(_path(name), ContentFile(picture))
    try:
        return _show(user, name)
    except BaseException:
        default_storage.delete(_path(name))
        raise


def _decode(file: BinaryIO) -> bytes:
    if not _decoding.acquire(timeout=DECODE_WAIT_SECONDS):
        raise PhotosBusy
    try:
        return small_picture(file)
    except NotAPictureError as error:
        raise InvalidRequest(str(error), attr="photo") from error
    finally:
        _decoding.release()


def remove_photo(*, user: User) -> User:
    return _show(user, "")


@in_one_transaction
def _show(user: User, name: str) -> User:
    user = User.objects.select_for_update().get(pk=user.pk)
    former = user.photo
    write_changes(user, {"photo": name})
    if former:
        transaction.on_commit(partial(default_storage.delete, _path(former)))
    return user


def read_photo(name: str) -> bytes:
    """Raises NotFound."""
    if NAME.fullmatch(name):
        with suppress(FileNotFoundError), default_storage.open(_path(name)) as file:
            return bytes(file.read())
    raise NotFound("There is no such photo.")


def _path(name: str) -> str:
    return f"photos/{name}"

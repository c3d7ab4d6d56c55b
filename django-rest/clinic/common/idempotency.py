"""`Idempotency-Key`: the same request again gets the same answer and has no second effect.

The key's row is inserted first and in the transaction of the change. So a concurrent repeat waits for the first to
end, a failed request leaves no key behind, and there is no moment in which the change is kept and the answer is not.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import IntegrityError, connection
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.common import clock
from clinic.common.errors import InvalidRequest, KeyReused
from clinic.common.models import IdempotencyKey
from clinic.common.mysql.conditions import is_duplicate
from clinic.common.renderers import to_json
from clinic.common.transactions import in_one_statement, in_one_transaction

MAX_KEY_LENGTH = 100
KEPT_FOR = timedelta(hours=24)
# Of a request that names no key: so long its repetition is the same request.
SAME_REQUEST_WITHIN = timedelta(minutes=10)
UNVERSIONED = re.compile(r"^/api/(v1/)?")


def answer_once(request: Request, *, owner: str, create: Callable[[], Response]) -> Response:
    """The answer of `create`, which is called at most once for an owner and key. Raises KeyReused, InvalidRequest."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return create()
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidRequest(f"1 to {MAX_KEY_LENGTH} printable characters.", attr="Idempotency-Key")
    return _answer_for_key(owner=owner, key=key, fingerprint=_fingerprint(request), create=create)


def answer_repeated(
    *,
    owner: str,
    key: str,
    kept_for: timedelta,
    holds: Callable[[Any], bool],
    create: Callable[[], Response],
    kept: Any = None,
    tell_again: Callable[[Any], Any] | None = None,
) -> Response:
    """As `answer_once`, for a request that names no key: `key` is made of what it asks. The first answer is given again
    as long as what it says `holds`, as 200: the request made nothing.

    Where it is known beforehand what is needed to tell the answer again, such as a reference, that is `kept` instead
    of the answer, and `tell_again` makes the body of it: one statement less."""
    return _answer_for_key(
        owner=owner,
        key=key,
        fingerprint=key,
        create=create,
        kept_for=kept_for,
        holds=holds,
        kept=kept,
        tell_again=tell_again,
    )


@in_one_transaction
def _answer_for_key(
    *,
    owner: str,
    key: str,
    fingerprint: str,
    create: Callable[[], Response],
    kept_for: timedelta = KEPT_FOR,
    holds: Callable[[Any], bool] | None = None,
    kept: Any = None,
    tell_again: Callable[[Any], Any] | None = None,
) -> Response:
    now = clock.now()
    wanted = IdempotencyKey(owner=owner, key=key, fingerprint=fingerprint, created_at=now, body=kept)
    row, is_new = _row_of(wanted, kept_for=kept_for)
    if not is_new and (holds is None or holds(row.body)):
        body = row.body if tell_again is None else tell_again(row.body)
        return _earlier_answer(row, fingerprint, body, status=None if holds is None else 200)
    if not is_new:
        IdempotencyKey.objects.filter(pk=row.pk).update(created_at=now, body=kept)
    response = create()
    if kept is None:
        row.status_code = response.status_code
        row.body = orjson.loads(to_json(response.data))
        row.save(update_fields=["status_code", "body"])
    return response


def _row_of(wanted: IdempotencyKey, *, kept_for: timedelta) -> tuple[IdempotencyKey, bool]:
    """The key's row, locked, and whether it is this request's. After a day a key is as good as new, pruned or not."""
    try:
        return _insert(wanted), True
    except IntegrityError as error:
        if not is_duplicate(error, "idempotency_key_once"):
            raise
        row = IdempotencyKey.objects.select_for_update().filter(owner=wanted.owner, key=wanted.key).first()
    if row is None:  # Pruned in between.
        return _row_of(wanted, kept_for=kept_for)
    if row.created_at > wanted.created_at - kept_for:
        return row, False
    wanted.pk = row.pk
    wanted.save(update_fields=["fingerprint", "created_at", "status_code", "body"])
    return wanted, True


# Without a savepoint: where the key is there, the database undoes this statement alone.
INSERT = "INSERT INTO idempotency_key (owner, `key`, fingerprint, created_at, body) VALUES (%s, %s, %s, %s, %s)"


def _insert(row: IdempotencyKey) -> IdempotencyKey:
    created_at = connection.ops.adapt_datetimefield_value(row.created_at)
    body = None if row.body is None else orjson.dumps(row.body).decode()
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [row.owner, row.key, row.fingerprint, created_at, body])
        row.pk = cursor.lastrowid
    return row


def _earlier_answer(row: IdempotencyKey, fingerprint: str, body: Any, *, status: int | None) -> Response:
    if row.fingerprint != fingerprint:
        raise KeyReused
    return Response(body, status=status or row.status_code, headers={"Idempotent-Replay": "true"})


def _fingerprint(request: Request) -> str:
    body: Any = orjson.dumps(request.data, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(
        b"\n".join([(request.method or "").encode(), _route(request.path).encode(), body])
    ).hexdigest()


def _route(path: str) -> str:
    """One for all forms of a path: who repeats a request may leave its slash away."""
    return f"/{UNVERSIONED.sub('', path).strip('/')}"


@in_one_statement
def prune_idempotency_keys(*, older_than: datetime) -> int:
    return IdempotencyKey.objects.filter(created_at__lt=older_than).delete()[0]

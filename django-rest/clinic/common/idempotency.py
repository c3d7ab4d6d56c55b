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
from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.common import clock
from clinic.common.errors import InvalidRequest, KeyReused
from clinic.common.models import IdempotencyKey
from clinic.common.transactions import in_one_statement, in_one_transaction

MAX_KEY_LENGTH = 100
KEPT_FOR = timedelta(hours=24)
UNVERSIONED = re.compile(r"^/api/(v1/)?")


def answer_once(request: Request, *, owner: str, create: Callable[[], Response]) -> Response:
    """The answer of `create`, which is called at most once for an owner and key. Raises KeyReused, InvalidRequest."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return create()
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidRequest(f"1 to {MAX_KEY_LENGTH} printable characters.", attr="Idempotency-Key")
    return _answer_for_key(owner=owner, key=key, fingerprint=_fingerprint(request), create=create)


@in_one_transaction
def _answer_for_key(*, owner: str, key: str, fingerprint: str, create: Callable[[], Response]) -> Response:
    row, is_new = _row_of(owner, key, fingerprint, now=clock.now())
    if not is_new:
        return _earlier_answer(row, fingerprint)
    response = create()
    row.status_code = response.status_code
    row.body = orjson.loads(orjson.dumps(response.data))
    row.save(update_fields=["status_code", "body"])
    return response


def _row_of(owner: str, key: str, fingerprint: str, *, now: datetime) -> tuple[IdempotencyKey, bool]:
    """The key's row, locked, and whether it is this request's. After a day a key is as good as new, pruned or not."""
    fresh = {"fingerprint": fingerprint, "created_at": now, "status_code": None, "body": None}
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(owner=owner, key=key, **fresh), True
    except IntegrityError:
        row = IdempotencyKey.objects.select_for_update().filter(owner=owner, key=key).first()
    if row is None:  # Pruned in between.
        return _row_of(owner, key, fingerprint, now=now)
    if row.created_at > now - KEPT_FOR:
        return row, False
    for name, value in fresh.items():
        setattr(row, name, value)
    row.save(update_fields=list(fresh))
    return row, True


def _earlier_answer(row: IdempotencyKey, fingerprint: str) -> Response:
    if row.fingerprint != fingerprint:
        raise KeyReused
    return Response(row.body, status=row.status_code, headers={"Idempotent-Replay": "true"})


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

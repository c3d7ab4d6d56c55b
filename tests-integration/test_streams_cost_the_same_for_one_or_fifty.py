import time
from contextlib import ExitStack
from typing import Any

from testkit.live.people import SignedIn, sql
from testkit.live.stack import LiveStack

SECONDS = 4.0


def test_fifty_streams_ask_the_database_no_more_than_one(stack: LiveStack) -> None:
    with SignedIn(stack, "owner") as owner, ExitStack() as open_streams, sql(stack.admin_db()) as cursor:
        open_streams.enter_context(owner.watch()).next()
        with_one = _statements_a_second(stack, cursor)
        for _ in range(49):
            open_streams.enter_context(owner.watch()).next()
        with_fifty = _statements_a_second(stack, cursor)
    # The poller's rhythm wavers a little on a busy machine; forty-nine more askers would be fifty times as many.
    assert with_fifty < 1.5 * with_one + 5


def _statements_a_second(stack: LiveStack, cursor: Any) -> float:
    """Statements to the whole server: only the stream's poller is working during these seconds."""
    before, began = _questions(cursor), time.monotonic()
    time.sleep(SECONDS)
    return (_questions(cursor) - before) / (time.monotonic() - began)


def _questions(cursor: Any) -> int:
    cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
    return int(cursor.fetchone()[1])

"""Connections to the database, in pools: a slow read delays only the reads of its own pool.

No read waits without limit. The server gives up a statement that runs too long or waits for a metadata lock; if it says
nothing at all, the client gives up and closes the connection.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import aiomysql

from clinic_stream.errors import DatabaseUnavailable, Reason

CONNECT_SECONDS = 1.0
# A metadata lock that an ALTER TABLE holds or waits for. Whole seconds.
LOCK_WAIT_SECONDS = 1
# A timer that rings this late says that the event loop was busy, not that the database is slow.
LATE_SECONDS = 0.1
MAX_EXTENSIONS = 3
# An address that has come to lead to another server is noticed after this, though the former one goes on answering.
RECYCLE_SECONDS = 30
# An address that leads to several servers in turn does not cost its connections each time.
IDENTITY_SECONDS = 10.0
MAX_IDS_A_QUERY = 500
# Of one JSON document; MariaDB cuts it off there. MySQL's have no limit of their own.
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024

# In one statement, as only one runs on each new connection. Consistent snapshots need REPEATABLE READ, whatever the
# server's default; READ ONLY is a second lock on the door. MariaDB runs /*M! */, MySQL /*!80000 */.
SESSION = (
    "SET SESSION lock_wait_timeout = {lock_wait}, group_concat_max_len = {document_bytes},"
    " /*M! tx_isolation = 'REPEATABLE-READ', tx_read_only = 1, max_statement_time = {seconds} */"
    " /*!80000 transaction_isolation = 'REPEATABLE-READ', transaction_read_only = 1,"
    " max_execution_time = {milliseconds} */"
)
IDENTITY = "SELECT @@hostname, @@port, @@server_id"
SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT"

REASONS = {
    1040: Reason.TOO_MANY_CONNECTIONS,
    1203: Reason.TOO_MANY_CONNECTIONS,
    1226: Reason.TOO_MANY_CONNECTIONS,
    1205: Reason.METADATA_LOCK,  # These sessions lock no rows.
    1317: Reason.SLOW,
    1969: Reason.SLOW,
    3024: Reason.SLOW,
    1044: Reason.ACCESS_DENIED,
    1045: Reason.ACCESS_DENIED,
    1142: Reason.ACCESS_DENIED,
    1143: Reason.ACCESS_DENIED,
    1698: Reason.ACCESS_DENIED,
    1049: Reason.VIEWS_MISSING,
    1054: Reason.VIEWS_MISSING,
    1146: Reason.VIEWS_MISSING,
    1356: Reason.VIEWS_MISSING,
    1047: Reason.NOT_READY,  # Galera: the node is not in the primary component.
}


class Cursor(Protocol):
    """The part of aiomysql's untyped one that is used."""

    async def execute(self, query: str, args: Sequence[object] = ()) -> int: ...
    async def fetchall(self) -> Sequence[tuple[Any, ...]]: ...


async def select(cursor: Cursor, query: str, *args: object) -> Sequence[tuple[Any, ...]]:
    """Run one query. A tuple among the arguments stands for as many places in parentheses."""
    places = (f"({', '.join(['%s'] * len(arg))})" if isinstance(arg, tuple) else "%s" for arg in args)
    values = [value for arg in args for value in (arg if isinstance(arg, tuple) else (arg,))]
    await cursor.execute(query % tuple(places), values)
    return await cursor.fetchall()


def in_chunks(ids: Iterable[int], most: int = MAX_IDS_A_QUERY) -> list[tuple[int, ...]]:
    """In order, as many at a time as one query may name."""
    ordered = sorted(ids)
    return [tuple(ordered[start : start + most]) for start in range(0, len(ordered), most)]


class ServerIdentity:
    """Identity of the server that all pools read. It is only a hint that an address leads to another server now: then
    the connections to the former one are given up. Whether the history continues is for the marks to say."""

    def __init__(self) -> None:
        self.connections = 0  # Made so far.
        self.changes = 0  # Of the identity.
        self._identity: object = None
        self._made: WeakKeyDictionary[Any, tuple[int, float]] = WeakKeyDictionary()  # By `changes`, and when.
        self._may_change_at = 0.0

    def is_new(self, connection: Any) -> bool:
        return connection not in self._made

    def is_outdated(self, connection: Any) -> bool:
        """Whether the connection was made before the address led to another server, or long ago."""
        if self.is_new(connection):
            return False
        changes, made_at = self._made[connection]
        return changes != self.changes or asyncio.get_running_loop().time() > made_at + RECYCLE_SECONDS

    def note(self, connection: Any, identity: object) -> None:
        now = asyncio.get_running_loop().time()
        self.connections += 1
        if self._identity is not None and identity != self._identity and now >= self._may_change_at:
            self.changes += 1
            self._may_change_at = now + IDENTITY_SECONDS
        self._identity = identity
        self._made[connection] = self.changes, now


class ConnectionPool:
    """Up to `size` connections, made when first needed. A statement of theirs takes `seconds` at most.

    With `is_queue` the time begins when it is a read's turn: of thousands that come at once each is bounded, so the
    queue moves, and the last one is no failure. Else waiting for a connection counts, too.
    """

    def __init__(
        self,
        options: dict[str, Any],
        *,
        size: int,
        seconds: float,
        server: ServerIdentity | None = None,
        requires_tls: bool = False,
        is_queue: bool = False,
    ) -> None:
        session = SESSION.format(
            lock_wait=LOCK_WAIT_SECONDS,
            document_bytes=MAX_DOCUMENT_BYTES,
            seconds=seconds,
            milliseconds=round(1000 * seconds),
        )
        self._options = {**options, "init_command": session, "connect_timeout": CONNECT_SECONDS, "autocommit": True}
        self._server = server or ServerIdentity()
        self._requires_tls = requires_tls
        self.size = size
        self._seconds = seconds
        self._turns = asyncio.Semaphore(size) if is_queue else nullcontext()
        self._pool: Any = None
        self.connections = 0  # Made so far.

    @property
    def busy(self) -> int:
        """Connections that read at the moment."""
        return 0 if self._pool is None else int(self._pool.size - self._pool.freesize)

    async def open(self) -> None:
        """Needs no database yet."""
        self._pool = await aiomysql.create_pool(minsize=0, maxsize=self.size, **self._options)

    async def close(self) -> None:
        self._pool.terminate()
        await self._pool.wait_closed()

    @asynccontextmanager
    async def cursor(self) -> AsyncIterator[Cursor]:
        """Raises DatabaseUnavailable, after a little more than `seconds` at the latest."""
        try:
            async with (
                self._turns,
                time_limit(self._seconds + LATE_SECONDS),
                self._connection() as connection,
                connection.cursor() as cursor,
            ):
                yield cursor
        except TimeoutError as error:
            raise DatabaseUnavailable("no answer in time", Reason.TIMEOUT) from error
        except (aiomysql.MySQLError, OSError) as error:
            raise DatabaseUnavailable(in_short(error), reason_of(error)) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with self._pool.acquire() as connection:
            self._check_tls(connection)
            if not self._server.is_outdated(connection):
                await self._identify(connection)
                yield connection
                return
            connection.close()  # The pool makes another one.
        async with self._connection() as connection:
            yield connection

    def _check_tls(self, connection: Any) -> None:
        if self._requires_tls and not connection._secure:  # aiomysql goes on in plain text by itself.
            connection.close()
            raise DatabaseUnavailable("TLS is required (DB_SSL_MODE), and the server offers none", Reason.NO_TLS)

    async def _identify(self, connection: Any) -> None:
        if self._server.is_new(connection):
            async with connection.cursor() as cursor:
                await cursor.execute(IDENTITY)
                self._server.note(connection, await cursor.fetchone())
                self.connections += 1

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Cursor]:
        """All reads see the database at one instant."""
        async with self.cursor() as cursor:
            await cursor.execute(SNAPSHOT)
            yield cursor
            # After an error the pool closes a connection that is still in its transaction.
            await cursor.execute("COMMIT")


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Raises TimeoutError in the body after this time.

    Under load the event loop runs late, and then runs timers before it looks at the network: an answer that has arrived
    would be thrown away. So a timer that rings late gives the body another moment.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as timeout:
        extensions = 0
        due_at = loop.time() + seconds
        timer: asyncio.Handle

        def expire() -> None:
            nonlocal timer, extensions, due_at
            if loop.time() - due_at > LATE_SECONDS and extensions < MAX_EXTENSIONS:
                extensions += 1
                due_at = loop.time() + LATE_SECONDS
                timer = loop.call_at(due_at, expire)
            else:
                timeout.reschedule(loop.time())

        timer = loop.call_at(due_at, expire)
        try:
            yield
        finally:
            timer.cancel()


def reason_of(error: BaseException) -> Reason:
    return REASONS.get(_number_of(error) or 0, Reason.UNREACHABLE)


def in_short(error: BaseException) -> str:
    """The class and the server's number, never its text: a message can quote values."""
    return f"{type(error).__name__} {_number_of(error) or ''}".strip()


def _number_of(error: BaseException) -> int | None:
    return error.args[0] if error.args and isinstance(error.args[0], int) else None

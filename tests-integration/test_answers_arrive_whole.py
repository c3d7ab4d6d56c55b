"""Answers of django-rest that take long: a big export read slowly, and a request under way when the server stops."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import MySQLdb
import pytest

from testkit.live.own_api import Server, open_api
from testkit.live.people import eventually, sql
from testkit.live.stack import LiveStack

# 4 kB of notes each: more than both sockets hold.
ROWS = 2_000
YEAR = 2001
HELD_SECONDS = 0.7
WAITING = "SELECT 1 FROM information_schema.processlist WHERE info LIKE '%attempt_count%' AND id <> CONNECTION_ID()"


@pytest.fixture
def server(stack: LiveStack, tmp_path: Path) -> Iterator[Server]:
    if stack.gateway_url is not None:
        pytest.skip("starts a process of its own")
    with open_api(stack, tmp_path) as opened:
        yield opened


@contextmanager
def long_past(stack: LiveStack) -> Iterator[None]:
    """Completed appointments of a year long past, with long notes."""
    start = f"'{YEAR}-01-01 08:00:00' + INTERVAL numbers.seq HOUR"
    given = {
        "notes": "REPEAT('n', 4000)",
        "status": "'completed'",
        "reference": "LEFT(MD5(UUID()), 22)",
        "calendar_uid": "UUID()",
        "local_date": f"DATE({start})",
        "starts_at": start,
        "blocked_from": start,
        "ends_at": f"{start} + INTERVAL 30 MINUTE",
        "blocked_until": f"{start} + INTERVAL 30 MINUTE",
    }
    # As many rows as numbers are needed, whatever they hold.
    numbers = f"SELECT ROW_NUMBER() OVER () AS seq FROM information_schema.columns LIMIT {ROWS}"
    with sql(stack.admin_db()) as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
            " AND table_name = 'appointment' AND column_name <> 'id' AND extra NOT LIKE '%GENERATED%'"
        )
        columns = [name for (name,) in cursor.fetchall()]
        values = ", ".join(given.get(name, f"one.{name}") for name in columns)
        cursor.execute("SELECT clinic_id FROM account_user WHERE email = %s", [stack.person("owner").email])
        [clinic_id] = cursor.fetchone()
        cursor.execute(
            f"INSERT INTO appointment ({', '.join(columns)}) SELECT {values} FROM ({numbers}) AS numbers,"
            f" (SELECT * FROM appointment WHERE clinic_id = {clinic_id} ORDER BY id LIMIT 1) AS one"
        )
        try:
            yield
        finally:
            cursor.execute(f"DELETE FROM appointment WHERE local_date BETWEEN '{YEAR}-01-01' AND '{YEAR}-12-31'")


def test_big_export_read_slowly_arrives_whole(server: Server, stack: LiveStack) -> None:
    token = server.access_token(stack)
    query = f"scope=all&from={YEAR}-01-01&to={YEAR}-12-31"
    with long_past(stack), closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as client:
        client.connect()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        client.request("GET", f"/api/v1/appointments/export.csv?{query}", headers={"Authorization": f"Bearer {token}"})
        response = client.getresponse()
        assert response.status == 200
        time.sleep(0.5)
        assert server.get("/livez") == 200
        body = b""
        while piece := response.read(256 * 1024):
            body += piece
            time.sleep(0.02)
    lines = body.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + ROWS
    assert all(line.count("n" * 4000) == 1 for line in lines[1:])


def test_request_under_way_at_sigterm_is_answered_and_no_new_one_is(server: Server, stack: LiveStack) -> None:
    owner = stack.person("owner")
    body = f'{{"username": "{owner.email}", "password": "{owner.password}"}}'
    with (
        closing(MySQLdb.connect(**stack.admin_db())) as blocker,
        closing(blocker.cursor()) as cursor,
        closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as client,
    ):
        cursor.execute("SELECT * FROM attempt_count FOR UPDATE")
        client.request("POST", "/api/token", body, {"Content-Type": "application/json"})
        with sql(stack.admin_db()) as another:
            eventually(lambda: another.execute(WAITING) > 0)
        stopping = threading.Thread(target=server.child.stop)
        stopping.start()
        time.sleep(HELD_SECONDS)
        blocker.rollback()  # type: ignore[no-untyped-call]
        response = client.getresponse()
        assert response.status == 200
        assert b'"access"' in response.read()
        stopping.join(30)
        assert server.child.exit_code == 0
    with pytest.raises(ConnectionRefusedError):
        server.connect()

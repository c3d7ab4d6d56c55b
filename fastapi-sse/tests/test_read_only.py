import ast
import json
import re
from pathlib import Path

import clinic_stream
import MySQLdb
import pytest
from clinic_stream import appointment_queries, clinic_queries, feed

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database

CODE = Path(clinic_stream.__file__).parent
WRITES = re.compile(
    r"\b(INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|REPLACE\s+INTO|TRUNCATE|ALTER|CREATE|DROP|GRANT|CALL|LOCK|LOAD)\b"
)


def strings_of(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@pytest.mark.parametrize("path", sorted(CODE.glob("*.py")), ids=lambda path: path.name)
def test_code_holds_no_statement_that_writes(path: Path) -> None:
    assert [text for text in strings_of(path) if WRITES.search(text)] == []


def test_every_query_reads_a_published_view() -> None:
    texts = [text for name in ("feed", "appointment_queries") for text in strings_of(CODE / f"{name}.py")]
    queries = [text for text in texts if "SELECT" in text and "FROM" in text]
    assert len(queries) >= 8
    assert all(re.findall(r"FROM (\w+)", query) == re.findall(r"FROM (live_\w*)", query) for query in queries)


def test_only_the_feed_knows_the_database() -> None:
    knows = {
        path.name for path in CODE.glob("*.py") if re.search(r"^\s*(import|from) aiomysql", path.read_text(), re.M)
    }
    assert knows == {"connection_pools.py"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE appointment SET notes = ''",
        "DELETE FROM live_appointment",
        "SELECT * FROM appointment",
        "SELECT password FROM account_user",
        "UPDATE live_head SET seq = 0",
    ],
)
def test_stream_s_database_user_can_do_no_more_either(database: Database, clinic: TestClinic, statement: str) -> None:
    connection = MySQLdb.connect(
        host=database.server.host,
        port=database.server.port,
        user=database.stream_user,
        password=database.stream_password,
        database=database.name,
    )
    try:
        with pytest.raises(MySQLdb.Error) as caught:
            connection.cursor().execute(statement)
        assert caught.value.args[0] in {1142, 1143}
    finally:
        connection.close()  # type: ignore[no-untyped-call]


CONTRACT = Path(__file__).parents[2] / "shared-config" / "contract" / "live_views.json"
VIEWS: dict[str, list[str]] = json.loads(CONTRACT.read_text())
READ = [
    appointment_queries.APPOINTMENTS,
    clinic_queries.CLINICS,
    feed.EVENTS,
    clinic_queries.HEADS,
    clinic_queries.HOLDS,
    clinic_queries.NOTIFICATIONS,
    clinic_queries.PRACTITIONERS,
    feed.PULSE,
    clinic_queries.RECENT_EVENTS,
    feed.SESSIONS,
]


@pytest.mark.parametrize("query", READ, ids=lambda query: query.split(" FROM ")[1].split()[0])
def test_query_reads_columns_of_the_contract(query: str) -> None:
    columns, rest = query.removeprefix("SELECT ").split(" FROM ", 1)
    assert set(columns.split(", ")) <= set(VIEWS[rest.split()[0]])


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_published_view_has_the_columns_of_the_contract(database: Database, view: str) -> None:
    columns = database.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
        " ORDER BY ordinal_position",
        database.name,
        view,
    )
    assert [column for (column,) in columns] == VIEWS[view]

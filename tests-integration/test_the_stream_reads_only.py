import MySQLdb
import pytest

from testkit.live.people import sql
from testkit.live.stack import LiveStack

VIEWS = ("live_head", "live_event", "live_clinic", "live_appointment", "live_hold", "live_session")
NOT_ALLOWED = (
    "SELECT id FROM appointment",
    "SELECT password FROM account_user",
    "SELECT token FROM hold",
    "INSERT INTO live_event VALUES (1, 1, 'appointment', 1, 'insert', NOW())",
    "UPDATE live_appointment SET notes = 'mine' WHERE id = 1",
    "DELETE FROM live_hold",
    "UPDATE stream_head SET seq = 0",
    "CREATE TABLE mine (id INT)",
    "DROP VIEW live_head",
)


@pytest.mark.parametrize("view", VIEWS)
def test_the_streams_database_user_reads_the_published_views(stack: LiveStack, view: str) -> None:
    with sql(stack.stream_db()) as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {view}")
        assert cursor.fetchone()[0] >= 0


@pytest.mark.parametrize("statement", NOT_ALLOWED)
def test_and_nothing_else(stack: LiveStack, statement: str) -> None:
    with sql(stack.stream_db()) as cursor, pytest.raises(MySQLdb.OperationalError) as refusal:
        cursor.execute(statement)
    assert refusal.value.args[0] in {1142, 1143, 1044, 1227}  # Denied, for table, column, database, or in general.


def test_no_view_shows_a_secret(stack: LiveStack) -> None:
    with sql(stack.stream_db()) as cursor:
        columns = set()
        for view in VIEWS:
            cursor.execute(f"SELECT * FROM {view} LIMIT 0")
            columns |= {column[0] for column in cursor.description}
    assert not columns & {"password", "token", "key"}

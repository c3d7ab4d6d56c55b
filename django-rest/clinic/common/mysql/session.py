"""Settings of every session with the database: time limits, zone, strictness.

No statement waits without limit, and no process, frozen or forgotten, keeps a lock for longer than the idle limit. The
two servers name some of these differently; each skips the other's comment.
"""

# A claim that waits longer than that for another one is answered 503 with Retry-After.
from shared_config import LOCK_WAIT_SECONDS as LOCK_WAIT_SECONDS

# For a table whose definition somebody wants to change.
METADATA_LOCK_WAIT_SECONDS = 3
# MariaDB limits every statement, MySQL reads alone.
STATEMENT_SECONDS = 10
# Above all others, for a server that is silent altogether.
SOCKET_SECONDS = 20
# A migration that finds its table in use gives way soon, and tries again.
MIGRATION_LOCK_WAIT_SECONDS = 2

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO"


def init_command(*, idle_seconds: int, statement_seconds: int = STATEMENT_SECONDS) -> str:
    """`statement_seconds` 0: no limit. MySQL's idle limit is set with each transaction (`base.py`)."""
    return (
        f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, lock_wait_timeout = {METADATA_LOCK_WAIT_SECONDS},"
        f" time_zone = '+00:00', sql_mode = '{SQL_MODE}'"
        f" /*M! , idle_transaction_timeout = {idle_seconds}, max_statement_time = {statement_seconds} */"
        f" /*!80000 , max_execution_time = {statement_seconds * 1000} */"
    )

"""One way to open a connection to the database, for Django's backend, the commands and the probes."""

from typing import Any

import MySQLdb
from shared_config.database_tls import mysqlclient_options, requires_tls
from shared_config.settings import DjangoSettings

CONNECT_TIMEOUT_SECONDS = 5


def server_options(shared: DjangoSettings) -> dict[str, Any]:
    """Arguments of `open_connection` without an account: the server's address and TLS."""
    return {"host": shared.db_host, "port": shared.db_port, **tls_options(shared)}


def tls_options(shared: DjangoSettings) -> dict[str, Any]:
    library_version = MySQLdb.get_client_info()  # type: ignore[no-untyped-call]
    return {**mysqlclient_options(shared, library_version=library_version), "requires_tls": requires_tls(shared)}


def open_connection(*, requires_tls: bool = False, **options: Any) -> MySQLdb.Connection:
    """Raises MySQLdb.OperationalError, also if the server offers no TLS where it is required."""
    connection = MySQLdb.connect(**options)
    if requires_tls and not _cipher_of(connection):
        connection.close()  # type: ignore[no-untyped-call]
        raise MySQLdb.OperationalError(2026, "TLS is required (DB_SSL_MODE), and the server offers none.")
    return connection


def _cipher_of(connection: MySQLdb.Connection) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        row = cursor.fetchone()
    return str(row[1]) if row else ""

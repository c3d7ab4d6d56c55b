"""TLS to the database, for both services' drivers.

Neither driver refuses a server that offers no TLS: mysqlclient over MariaDB's library and aiomysql both go on in plain
text, whatever was required. So a caller for whom `requires_tls` holds must ask a new connection for its cipher
(`SHOW STATUS LIKE 'Ssl_cipher'`) and close a connection that has none.
"""

import ssl
from typing import Any

from shared_config.settings import Settings

VERIFYING_MODES = frozenset({"verify_ca", "verify_identity"})
# The majors of MySQL's own client library. MariaDB's counts 2, 3, or 10 and above.
MYSQL_LIBRARY_MAJORS = frozenset({"5", "8", "9"})


def requires_tls(settings: Settings) -> bool:
    return settings.db_tls_mode not in {"disabled", "preferred"}


def mysqlclient_options(settings: Settings, *, library_version: str) -> dict[str, Any]:
    """Arguments of `MySQLdb.connect`. `library_version` comes from `MySQLdb.get_client_info()`."""
    mode = settings.db_tls_mode
    if mode == "disabled":
        return {"ssl_mode": "DISABLED"}
    by_mysql = library_version.partition(".")[0] in MYSQL_LIBRARY_MAJORS
    if mode == "preferred":
        # MariaDB's library ignores the word PREFERRED, and with REQUIRED takes TLS where it is offered.
        return {"ssl_mode": "PREFERRED" if by_mysql else "REQUIRED"}
    if mode == "required":
        return {"ssl_mode": "REQUIRED"}
    # MariaDB's library takes VERIFY_CA for VERIFY_IDENTITY; given a CA, it checks the chain with any other word too.
    word = "REQUIRED" if mode == "verify_ca" and not by_mysql else mode.upper()
    return {"ssl_mode": word, "ssl": {"ca": str(settings.db_ssl_ca)}}


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """For aiomysql and asyncio; None with `disabled`. The caller names the server as `DB_HOST` has it."""
    mode = settings.db_tls_mode
    if mode == "disabled":
        return None
    context = ssl.create_default_context(cafile=str(settings.db_ssl_ca) if settings.db_ssl_ca else None)
    context.check_hostname = mode == "verify_identity"
    context.verify_mode = ssl.CERT_REQUIRED if mode in VERIFYING_MODES else ssl.CERT_NONE
    return context

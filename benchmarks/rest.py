"""The cost of the REST API, over real HTTP against the server that `make run` starts, on a big clinic.

    python -m benchmarks.rest [--requests N] [--appointments N] [--explain] [--against COMMIT]

For each operation: the 50th and 95th percentile as a client sees them, the number of SQL statements, and how many times
longer it takes than reading the same rows with bare mysqlclient and dumping them with orjson, in the same run. With
`--against`, another version of this repository is measured before and after this one, by its own copy of this program
and with the dependencies it locks.
"""

import argparse
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from benchmarks.measuring import WARM_UP, Client, Operation, measure, report
from benchmarks.own_stack import own_stack, progress_on, start_api
from benchmarks.versions import python_of, worktree_of
from tools import ROOT
from tools.processes import ToolError
from tools.run_stack import Stack


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the REST API on a big clinic.")
    parser.add_argument("--requests", type=int, default=300, help="of each kind")
    parser.add_argument("--appointments", type=int, default=200_000)
    parser.add_argument("--explain", action="store_true", help="show how the database finds the rows")
    parser.add_argument("--folder", type=Path, help="keep the database here, and use it again")
    parser.add_argument("--only", default="", help="operations whose name contains this")
    parser.add_argument("--against", default="", help="a commit to measure as well, before and after")
    chosen = parser.parse_args()
    console = Console(width=140)
    try:
        if chosen.against:
            return compare(chosen, console)
        with own_stack({}, kept_in=chosen.folder) as stack:
            run(stack, chosen, console)
    except ToolError as problem:
        console.print(str(problem), markup=False)
        return 1
    return 0


def compare(chosen: argparse.Namespace, console: Console) -> int:
    """The other version, this one, and the other again: so that what else the machine does shows."""
    measured = [f"--requests={chosen.requests}", f"--appointments={chosen.appointments}", f"--only={chosen.only}"]
    with worktree_of(chosen.against) as other:
        for name, folder in ((chosen.against, other), ("this version", ROOT), (chosen.against, other)):
            console.print(f"[bold]{name}[/bold]")
            command = [python_of(folder), str(folder / "benchmarks/rest.py"), *measured]
            subprocess.run(command, cwd=folder, check=True)
    return 0


def run(stack: Stack, chosen: argparse.Namespace, console: Console) -> None:
    from benchmarks.big_clinic import PASSWORD, Size, find_big_clinic, make_big_clinic
    from benchmarks.operations import operations_on

    size = Size(appointments=chosen.appointments, patients=max(50, chosen.appointments // 10))
    with progress_on(console) as progress:
        loading = progress.add_task("Writing the clinic", total=size.appointments + size.patients)
        today = datetime.now().astimezone().date()
        big = find_big_clinic() or make_big_clinic(size, partial(progress.advance, loading), today=today)
        progress.update(loading, completed=size.appointments + size.patients)
        operations = [one for one in operations_on(big, today) if chosen.only in one.name]
        start_api(stack)
        client = Client(stack.api_port)
        token = client.sign_in(str(big.owner.email), PASSWORD)
        results = []
        assert stack.server is not None
        with closing(stack.server.connect()) as bare:
            for operation in operations:
                asking = progress.add_task(operation.name, total=WARM_UP + chosen.requests)
                tick = partial(progress.advance, asking)
                results.append(measure(operation, client, bare, chosen.requests, tick))
    for measured in results:
        seen = statements_of(measured.operation, token, WARM_UP + chosen.requests)
        measured.statements = len(seen)
        if chosen.explain:
            explain(measured.operation.name, seen, console)
    report(results, console)


def statements_of(operation: Operation, token: str, number: int) -> list[str]:
    """The SQL of one more request, in this process."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from rest_framework.test import APIClient

    client: Any = APIClient(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Bearer {token}")
    body = operation.body(number) if operation.body else None
    with CaptureQueriesContext(connection) as seen:
        response = client.generic(
            operation.method, operation.path(number), orjson.dumps(body) if body else b"", "application/json"
        )
    if response.status_code != operation.expected:
        raise ToolError(f"{operation.name}: {response.status_code} {response.content[:500]!r}")
    return [query["sql"] for query in seen.captured_queries]


def explain(name: str, statements: list[str], console: Console) -> None:
    from django.db import connection

    console.print(f"\n[bold]{name}[/bold]")
    for sql in statements:
        console.print(sql, markup=False, highlight=False, style="dim")
        if not sql.startswith("SELECT"):
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql.replace('%', '%%')}")
            for row in cursor.fetchall():
                kind, table, access, key, rows, extra = row[1], row[2], row[3], row[5], row[-2], row[-1]
                console.print(f"    {table}: {access}, key {key}, {rows} rows, {extra or ''} ({kind})", markup=False)


if __name__ == "__main__":
    sys.exit(main())

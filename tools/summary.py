"""The summary of `make run` when all is up."""

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

ROLES = ("owner", "staff", "practitioner", "patient")


def print_summary(
    console: Console, api_port: int, stream_port: int, credentials: dict[str, list[dict[str, str]]]
) -> None:
    api, stream = f"http://localhost:{api_port}", f"http://localhost:{stream_port}"
    addresses = Table.grid(padding=(0, 2))
    # Patients book at the demo clinic without an account.
    booking = [("Booking page", f"{api}/book/demo")] if credentials else []
    for name, address in (
        ("Live board", f"{api}/board"),
        *booking,
        ("API", f"{api}/api/v1/"),
        ("API docs", f"{api}/api/docs"),
        ("Admin", f"{api}/admin/"),
        ("Stream", f"{stream}/api/v1/sse/appointments"),
        ("Stream docs", f"{stream}/docs"),
    ):
        addresses.add_row(f"[bold]{name}[/bold]", f"[link={address}]{address}[/link]")
    console.print(Panel(addresses, title="Chairside is running", border_style="green", expand=False))
    people = _one_of_each_role(credentials)
    if people:
        console.print(_sign_ins(people))
        console.print("Sign in to the board as the owner. Or watch the clinic here, then book or cancel something:\n")
        # One line whatever the terminal's width: it is there to be copied.
        console.print(
            _watch_line(api, stream, people[0][1]), soft_wrap=True, highlight=False, markup=False, style="cyan"
        )
    else:
        console.print(
            "The demo's passwords are not in var/seed any more. For a new demo clinic: make seed ARGS=--reset"
        )
    console.print("\nLogs: var/log. Ctrl-C stops all of it.", highlight=False)


def _one_of_each_role(credentials: dict[str, list[dict[str, str]]]) -> list[tuple[str, dict[str, str]]]:
    roles = [*ROLES, *(role for role in credentials if role not in ROLES)]
    return [(role, credentials[role][0]) for role in roles if credentials.get(role)]


def _sign_ins(people: list[tuple[str, dict[str, str]]]) -> Table:
    table = Table(title="Demo sign-ins", title_justify="left", box=None, pad_edge=False, padding=(0, 2))
    for column in ("role", "e-mail", "password"):
        table.add_column(column, style="dim" if column == "role" else None, no_wrap=True)
    for role, person in people:
        table.add_row(role, escape(person["email"]), escape(person["password"]))
    return table


def _watch_line(api: str, stream: str, person: dict[str, str]) -> str:
    sign_in = (
        f"curl -s {api}/api/token/ -H 'Content-Type: application/json' "
        f"""-d '{{"username": "{person["email"]}", "password": "{person["password"]}"}}'"""
    )
    read = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access"])'"""
    return f'curl -N -H "Authorization: Bearer $({sign_in} | {read})" {stream}/api/v1/sse/appointments'

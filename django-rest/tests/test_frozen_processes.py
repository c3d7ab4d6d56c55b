"""Every kind of process limits its idle transactions, and ends cleanly when it wakes up after the limit."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clinic.scheduling.models import Service
from clinic.worker.models import JobRun
from django.db import connection

from testkit.clinic.times import in_days
from testkit.clinic.world import World

DJANGO_REST = Path(__file__).resolve().parents[1]
IDLE_SECONDS = 1

ASK = """
from django.db import connection, transaction
def ask():
    with transaction.atomic(), connection.cursor() as cursor:
        variable = "idle_transaction_timeout" if connection.mysql_is_mariadb else "wait_timeout"
        cursor.execute(f"SELECT @@session.{variable}")
        print("limit", cursor.fetchone()[0], flush=True)
"""
API = f"import config.wsgi\n{ASK}\nask()"
COMMAND = f"""
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "shell", "--verbosity=0", "-c", {ASK + "ask()"!r}])
"""
# Its jobs are replaced; the last one ends it.
WORKER = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
from clinic.worker.jobs import DUE
def end(now):
    print("ending", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    return 0
DUE.clear()
DUE["first"] = lambda now: job() or 0
DUE["last"] = end
"""
RUN_WORKER = "\ncall_command('run_worker', '--senders=1')"
FREEZE = """
from django.db import transaction
from clinic.scheduling.models import Service
def job():
    with transaction.atomic():
        Service.objects.update(name="half-written")
        print("locked", flush=True)
        sys.stdin.readline()
        Service.objects.update(name="written")
"""
# The owner renames the service named by the argument.
ADMIN = """
import sys, django
django.setup()
from django.db import connection
from django.test.utils import setup_test_environment
from clinic.accounts.models import User
from testkit.clinic.admin_pages import SERVICES, Page, sign_in
setup_test_environment()
def freeze(execute, sql, *more):
    result = execute(sql, *more)
    if sql.startswith("UPDATE `service`"):
        print("locked", flush=True)
        sys.stdin.readline()
    return result
client = sign_in(User.objects.get(name="Olga"))
client.raise_request_exception = False
page = Page.open(client, f"{SERVICES}{sys.argv[1]}/change/")
with connection.execute_wrapper(freeze):
    print("status", page.save(name="half-written").status_code, flush=True)
"""


@contextmanager
def process(code: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    environment = {
        **os.environ,
        "DB_NAME": connection.settings_dict["NAME"],
        "DB_IDLE_TRANSACTION_SECONDS": str(IDLE_SECONDS),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    command = [sys.executable, "-c", code, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=DJANGO_REST, env=environment, stdin=pipe, stdout=pipe, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def line_of(started: "subprocess.Popen[str]", first_word: str) -> str:
    """The next line that begins so."""
    assert started.stdout
    for line in started.stdout:
        if line.startswith(first_word):
            return line.strip()
    raise AssertionError("it ended")


def freeze_and_wake(started: "subprocess.Popen[str]", world: World) -> None:
    """Once it has written; meanwhile somebody else's write has to wait for the limit only."""
    line_of(started, "locked")
    os.kill(started.pid, signal.SIGSTOP)
    world.book(in_days(7)(9))
    os.kill(started.pid, signal.SIGCONT)
    assert started.stdin
    started.stdin.write("\n")
    started.stdin.flush()


@pytest.mark.parametrize(
    "code", [API, COMMAND, WORKER + ASK + "job = ask" + RUN_WORKER], ids=["API", "command", "worker"]
)
def test_idle_transactions_are_limited_in_every_kind_of_process(transactional_db: None, code: str) -> None:
    with process(code) as started:
        assert line_of(started, "limit") == f"limit {IDLE_SECONDS}"


def test_worker_frozen_in_a_job_goes_on_with_the_next_and_writes_no_half(committed_world: World) -> None:
    with process(WORKER + FREEZE + RUN_WORKER) as worker:
        freeze_and_wake(worker, committed_world)
        line_of(worker, "ending")
        assert worker.wait(30) == 0
    assert list(Service.objects.values_list("name", flat=True)) == ["Check-up"]
    assert JobRun.objects.get(name="first").error
    assert not JobRun.objects.get(name="last").error


def test_admin_frozen_while_saving_answers_503_and_writes_no_half(committed_world: World) -> None:
    with process(ADMIN, str(committed_world.check_up.pk)) as admin:
        freeze_and_wake(admin, committed_world)
        assert line_of(admin, "status") == "status 503"
    assert list(Service.objects.values_list("name", flat=True)) == ["Check-up"]

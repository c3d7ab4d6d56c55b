import json
import logging
import re
import sys

import pytest
from shared_config.log_formats import JsonFormatter, TextFormatter, request_id_of_this_context

PHONE = "+491701234567"
AT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def record_of(message: str, *args: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("chairside.outbox", logging.WARNING, __file__, 1, message, args, None)
    vars(record).update(extra)
    return record


def failed_record() -> logging.LogRecord:
    try:
        raise ValueError(f"call {PHONE}")
    except ValueError:
        return logging.LogRecord("chairside.worker", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())


@pytest.fixture(autouse=True)
def _request() -> None:
    request_id_of_this_context.set("find-me-again")


def test_text_line_holds_time_level_logger_request_and_message() -> None:
    line = TextFormatter().format(record_of("%d messages", 3))
    assert re.fullmatch(rf"{AT} WARNING chairside\.outbox \[find-me-again\] 3 messages", line)


def test_json_line_holds_the_same_and_the_fields() -> None:
    line = json.loads(JsonFormatter().format(record_of("sent", fields={"message_id": 7, "code": None})))
    assert re.fullmatch(AT, line.pop("at"))
    assert line == {
        "level": "warning",
        "logger": "chairside.outbox",
        "request_id": "find-me-again",
        "message": "sent",
        "message_id": 7,
        "code": None,
    }


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_secrets_and_line_ends_of_a_message_are_hidden(formatter: logging.Formatter) -> None:
    line = formatter.format(record_of("to %s\nforged", PHONE))
    assert "\n" not in line
    assert "4917" not in line


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_traceback_names_the_error_without_its_secrets(formatter: logging.Formatter) -> None:
    line = formatter.format(failed_record())
    assert "ValueError: call …" in line
    assert "4917" not in line

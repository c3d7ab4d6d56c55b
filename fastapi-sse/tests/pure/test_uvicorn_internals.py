import tomllib
from pathlib import Path

import pytest
import uvicorn
from clinic_stream import uvicorn_internals
from uvicorn.protocols.http import flow_control, httptools_impl

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def test_installed_uvicorn_has_every_part_in_use() -> None:
    assert uvicorn_internals.problems() == []


@pytest.mark.parametrize("version", ["0.53.9", "0.55.0", "0.540.1", "1.54.0"])
def test_other_version_is_a_problem(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(uvicorn, "__version__", version)
    assert uvicorn_internals.problems() == [f"uvicorn is {version}, tested is 0.54"]


def test_missing_class_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(flow_control, "FlowControl")
    assert uvicorn_internals.problems() == ["uvicorn.protocols.http.flow_control has no FlowControl"]


def test_missing_method_and_attribute_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def set_nothing(self: object) -> None: ...

    monkeypatch.setattr(httptools_impl.RequestResponseCycle, "__init__", set_nothing)
    monkeypatch.delattr(httptools_impl.RequestResponseCycle, "send")
    assert uvicorn_internals.problems() == [
        "RequestResponseCycle has no chunked_encoding, expected_content_length, message_event, response_complete, send"
    ]


def test_project_requires_the_tested_range() -> None:
    first, second = uvicorn_internals.TESTED_VERSION.split(".")
    dependencies = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    assert f"uvicorn>={first}.{second},<{first}.{int(second) + 1}" in dependencies

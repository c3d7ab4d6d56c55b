"""The dashboard and the alert rules that operators get: both services have what they name, and the rules say what they
should."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from testkit.live.stack import LiveStack
from tools import ROOT

FOLDER = ROOT / "docs/operate/monitoring"
UNPACKED = ROOT / ".venv/prometheus/usr/bin"
# Of Prometheus, of its client library, and of what the rules leave to a pattern.
NOT_OURS = frozenset({"up", "process_resident_memory_bytes"})
SERIES = re.compile(r"\b(chairside_\w+|up|process_\w+)\b")
PATTERN = re.compile(r'__name__=~"([^"]+)"')
OF_A_HISTOGRAM = re.compile(r"_(bucket|count|sum)$")


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("promtool", path=f"{UNPACKED}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("promtool is missing: tools/setup could not download Debian's package prometheus")
    return subprocess.run([program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml"), ("check", "config", "prometheus.yml")],
    ids=" ".join,
)
def test_prometheus_accepts_the_rules_and_their_tests_pass(arguments: tuple[str, ...]) -> None:
    finished = promtool(*arguments)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return found


def expressions() -> dict[str, str]:
    """By where they stand."""
    of_panels = {
        f"{panel['title']}, {target['refId']}": target["expr"]
        for panel in panels()
        for target in panel.get("targets", [])
    }
    of_rules = rules_by_name()
    assert len(of_panels) > 30
    assert len(of_rules) > 20
    return of_panels | of_rules


def rules_by_name() -> dict[str, str]:
    text = (FOLDER / "alerts.yml").read_text()
    found = re.findall(r"- alert: (\w+)\n +expr: (.*?)\n +(?:for|labels):", text, flags=re.DOTALL)
    return dict(found)


def exposed(text: str) -> set[str]:
    """Names of series that a service has or will have: a counter with labels has none before it counts."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, flags=re.MULTILINE):
        names.add(name)
        if kind == "histogram":
            names |= {f"{name}_{part}" for part in ("bucket", "count", "sum")}
    return names


def test_dashboard_and_rules_name_only_what_a_service_exposes(stack: LiveStack) -> None:
    httpx.get(f"{stack.api_url}/api/v1/time/now")
    httpx.get(f"{stack.stream_url}/livez")
    texts = [httpx.get(f"{url}/metrics").text for url in (stack.api_url, stack.stream_url)]
    known = exposed("\n".join(texts)) | NOT_OURS
    for place, expression in expressions().items():
        for pattern in PATTERN.findall(expression):
            assert [name for name in known if re.fullmatch(pattern, name)], f"{place}: {pattern}"
        named = set(SERIES.findall(PATTERN.sub("", expression)))
        assert named or PATTERN.search(expression), f"{place} names nothing"
        assert named <= known, f"{place}: {named - known}"


def test_each_replica_can_be_told_from_the_others(stack: LiveStack) -> None:
    for url, name in ((stack.api_url, "chairside_info"), (stack.stream_url, "chairside_stream_info")):
        assert re.search(
            rf'^{name}\{{(host|version)="[^"]+",(host|version)="[^"]+"\}} 1.0$', httpx.get(f"{url}/metrics").text, re.M
        )


def test_most_rules_have_a_case_and_the_others_compare_one_series_with_a_number() -> None:
    tested = set(re.findall(r"alertname: (\w+)", (FOLDER / "alerts.test.yml").read_text()))
    untested = {name: expression for name, expression in rules_by_name().items() if name not in tested}
    assert all(len(set(SERIES.findall(expression))) == 1 for expression in untested.values()), untested
    assert len(tested) > len(untested)


def test_panels_fill_the_width_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_every_rule_says_what_to_do() -> None:
    text = (FOLDER / "alerts.yml").read_text()
    count = len(rules_by_name())
    assert [text.count(word) for word in ("summary:", "action:", "severity:")] == [count] * 3
    assert Path(FOLDER / "alerts.yml").read_text().count("- alert:") == count

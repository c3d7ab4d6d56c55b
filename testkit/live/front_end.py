"""A front end on an origin of its own: the static files of `front_ends`, and the examples of the documentation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

from tools import ROOT

FOLDER = Path(__file__).parent / "front_ends"
EXAMPLES = ROOT / "docs" / "api" / "examples"


@dataclass(frozen=True)
class FrontEnd:
    """`replaced`: addresses in the examples, and what stands for them here."""

    port: int
    replaced: dict[str, str] = field(default_factory=dict)

    @property
    def origins(self) -> list[str]:
        return [f"http://{host}:{self.port}" for host in ("127.0.0.1", "localhost")]


class _Quiet(SimpleHTTPRequestHandler):
    replaced: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        name = self.path.removeprefix("/examples/")
        if name == self.path or not (EXAMPLES / name).is_file():
            super().do_GET()
            return
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        for written, here in self.replaced.items():
            text = text.replace(written, here)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serve_front_end() -> Iterator[FrontEnd]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(FOLDER)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield FrontEnd(server.server_port, _Quiet.replaced)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Parts of uvicorn that are no public interface, and that `stream_protocol` uses.

With another version, or with a part missing, the service runs on uvicorn's own protocol: a stream is then a plain
response that a task of its own writes, and connections without a complete request have no limits.
"""

from importlib import import_module

import uvicorn

# `pyproject.toml` names the same range.
TESTED_VERSION = "0.54"
HTTPTOOLS = "uvicorn.protocols.http.httptools_impl"
PARTS: dict[tuple[str, str], frozenset[str]] = {
    ("uvicorn.protocols.http.flow_control", "FlowControl"): frozenset(
        {"_transport", "drain", "pause_writing", "read_paused", "resume_writing", "write_paused"}
    ),
    (HTTPTOOLS, "HttpToolsProtocol"): frozenset(
        {
            "client",
            "connection_lost",
            "connection_made",
            "cycle",
            "data_received",
            "flow",
            "loop",
            "on_headers_complete",
            "on_message_begin",
            "on_message_complete",
            "on_response_complete",
            "pause_writing",
            "pipeline",
            "resume_writing",
            "scope",
            "send_400_response",
            "transport",
        }
    ),
    (HTTPTOOLS, "RequestResponseCycle"): frozenset(
        {"chunked_encoding", "expected_content_length", "message_event", "response_complete", "send"}
    ),
}


def problems() -> list[str]:
    """Differences from the tested uvicorn; empty if there are none."""
    found = []
    if not f"{uvicorn.__version__}.".startswith(f"{TESTED_VERSION}."):
        found.append(f"uvicorn is {uvicorn.__version__}, tested is {TESTED_VERSION}")
    for (module, name), expected in PARTS.items():
        try:
            part = getattr(import_module(module), name)
        except (ImportError, AttributeError):
            found.append(f"{module} has no {name}")
            continue
        if lacking := expected - _attributes(part):
            found.append(f"{name} has no {', '.join(sorted(lacking))}")
    return found


def _attributes(part: type) -> set[str]:
    """Those of the class, and those that its initialiser sets on an instance."""
    code = getattr(vars(part).get("__init__"), "__code__", None)
    return {*dir(part), *(code.co_names if code else ())}

"""`python -m clinic_stream` serves; `python -m clinic_stream openapi` prints the OpenAPI document."""

import argparse
import sys

import orjson
from shared_config import ConfigurationError, StreamSettings, load_settings, use_locked_time_zones

from clinic_stream import logs
from clinic_stream.main import create_app, openapi_document
from clinic_stream.server import serve


def main(arguments: list[str]) -> int:
    asked = _read(arguments)
    if asked.command == "openapi":
        sys.stdout.buffer.write(orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2) + b"\n")
        return 0
    try:
        settings = load_settings(StreamSettings)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    use_locked_time_zones()
    logs.configure(settings.log_format, debug=settings.fastapi_debug)
    serve(create_app(settings), settings)
    return 0


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m clinic_stream", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["openapi"], help="print the OpenAPI document and end")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

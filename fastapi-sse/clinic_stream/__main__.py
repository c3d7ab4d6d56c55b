"""`python -m clinic_stream` serves; `python -m clinic_stream openapi` prints the OpenAPI document."""

import sys

import orjson
from shared_config import ConfigurationError, StreamSettings, load_settings

from clinic_stream import logs
from clinic_stream.main import create_app, openapi_document
from clinic_stream.server import serve


def main(arguments: list[str]) -> int:
    if arguments == ["openapi"]:
        sys.stdout.buffer.write(orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2) + b"\n")
        return 0
    if arguments:
        sys.stderr.write("usage: python -m clinic_stream [openapi]\n")
        return 2
    try:
        settings = load_settings(StreamSettings)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    logs.configure(settings.log_format, debug=settings.fastapi_debug)
    serve(create_app(settings), settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

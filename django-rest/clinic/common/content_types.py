"""Content types, written so that Django reads each without failing."""

from collections.abc import Iterable
from email.message import Message
from email.utils import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

UTF_8 = frozenset({"utf-8", "utf8"})
# No codec has this name, so that nothing is decoded by it.
OTHER_CHARSET = "other"


def with_plain_content_type(application: "WSGIApplication") -> "WSGIApplication":
    """`application`, to which no charset is named but `other`.

    Django decodes the query by the charset of the content type before any middleware runs: a name that is no encoding
    of text, or a query of too many parameters, would be 500 there.
    """

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        given = environ.get("CONTENT_TYPE", "")
        if ";" in given:
            environ["CONTENT_TYPE"] = plain_content_type(given)
        return application(environ, start_response)

    return serve


def plain_content_type(given: str) -> str:
    """The media type and its boundary. UTF-8 is not named, any other charset is `other`; all else is left out."""
    message = Message()
    message["Content-Type"] = given
    parts = [given.partition(";")[0].strip()]
    boundary = message.get_boundary()
    if boundary is not None:
        parts.append(f'boundary="{quote(boundary)}"')
    if message.get_param("charset") is not None and message.get_content_charset() not in UTF_8:
        parts.append(f"charset={OTHER_CHARSET}")
    return "; ".join(parts)

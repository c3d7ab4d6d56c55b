from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail: `content_type` with its parameters, `text` in UTF-8."""

    name: str
    content_type: str
    text: str

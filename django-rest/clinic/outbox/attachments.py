import re
from dataclasses import dataclass

INVITATION = re.compile(r"text/calendar\s*;\s*method=(REQUEST|CANCEL)\b")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail: `content_type` with its parameters, `text` in UTF-8."""

    name: str
    content_type: str
    text: str

    @property
    def is_invitation(self) -> bool:
        """Mail readers act on it, if it stands beside the text and HTML."""
        return INVITATION.match(self.content_type) is not None

"""Pure: the name by which calendars know an appointment."""

from uuid import uuid4


def new_calendar_uid() -> str:
    """Unique in the world (RFC 7986, 5.3). It says nothing of the installation: no change of that makes doubles."""
    return str(uuid4())

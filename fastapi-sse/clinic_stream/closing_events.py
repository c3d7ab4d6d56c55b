"""Last events of a stream, with the reason that the log and the metrics name."""

from clinic_stream import frames
from clinic_stream.frames import Frame


class ClosingEvent:
    __slots__ = ("frame", "reason")

    def __init__(self, reason: str, frame: Frame) -> None:
        self.reason = reason
        self.frame = frame


EXPIRED = ClosingEvent("expired", frames.EXPIRED)
REVOKED = ClosingEvent("revoked", frames.REVOKED)
REPLACED = ClosingEvent("replaced", frames.REPLACED)
STUCK = ClosingEvent("stuck", Frame())  # Nobody reads it.

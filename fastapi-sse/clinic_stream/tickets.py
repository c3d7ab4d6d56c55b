"""Tickets that have opened a stream. In memory, for each process by itself."""

import time
from collections import OrderedDict

MAX_TICKETS = 100_000


class UsedTickets:
    """Remembered until they expire: after that only a reader that comes back may use them, as often as needed."""

    def __init__(self) -> None:
        self._expiries: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, ticket_id: str) -> bool:
        return ticket_id in self._expiries

    def add(self, ticket_id: str, expires_at: float) -> None:
        self._expiries[ticket_id] = expires_at
        self._expiries.move_to_end(ticket_id)
        # All tickets are good for the same time, so the oldest expires first.
        while self._expiries and (len(self) > MAX_TICKETS or next(iter(self._expiries.values())) < time.time()):
            self._expiries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._expiries)

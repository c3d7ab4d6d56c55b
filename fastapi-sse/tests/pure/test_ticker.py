import asyncio

import pytest
from clinic_stream.ticker import Ticker


class Alarm:
    def __init__(self, name: str, rung: list[str], *again: float, adds: "Alarm | None" = None) -> None:
        self.name = name
        self.rung = rung
        self.again = list(again)
        self.adds = adds
        self.ticker: Ticker | None = None

    def on_tick(self, now: float) -> float | None:
        self.rung.append(self.name)
        if self.adds is not None and self.ticker is not None:
            self.ticker.add(now, self.adds)
        return now + self.again.pop(0) if self.again else None


class Broken:
    def on_tick(self, now: float) -> float | None:
        raise RuntimeError


def test_deadlines_in_the_past_ring_and_do_not_keep_newer_ones_from_being_added() -> None:
    """As under load: the event loop comes to a newcomer's deadline when it has passed."""
    rung: list[str] = []

    async def story() -> None:
        ticker = Ticker()
        now = asyncio.get_running_loop().time()
        for number in range(5):
            ticker.add(now - number, Alarm(f"late {number}", rung))
        ticker.add(now + 0.03, Alarm("soon", rung))
        await asyncio.sleep(0.1)
        ticker.stop()

    asyncio.run(story())
    assert sorted(rung[:5]) == [f"late {number}" for number in range(5)]
    assert rung[5:] == ["soon"]


def test_deadline_added_while_another_rings_is_met() -> None:
    rung: list[str] = []

    async def story() -> None:
        ticker = Ticker()
        first = Alarm("first", rung, adds=Alarm("added", rung))
        first.ticker = ticker
        ticker.add(asyncio.get_running_loop().time(), first)
        await asyncio.sleep(0.1)
        ticker.stop()

    asyncio.run(story())
    assert rung == ["first", "added"]


def test_deadline_that_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    rung: list[str] = []

    async def story() -> None:
        ticker = Ticker()
        now = asyncio.get_running_loop().time()
        ticker.add(now, Broken())
        ticker.add(now, Alarm("beside it", rung, 0.03))
        await asyncio.sleep(0.15)
        ticker.stop()

    asyncio.run(story())
    assert rung == ["beside it", "beside it"]
    assert "a deadline could not be met" in caplog.text

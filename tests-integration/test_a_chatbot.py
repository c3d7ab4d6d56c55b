"""The bot of the documentation talks to the running service."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from testkit.live.stack import LiveStack

BOT = Path(__file__).parents[1] / "docs" / "api" / "examples" / "chat_bot.py"


def talk(stack: LiveStack, *words: str) -> list[str]:
    said = "".join(f"{word}\n" for word in words)
    command = [sys.executable, str(BOT), stack.api_url, "1"]
    done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=True)
    return [line.partition("bot: ")[2] for line in done.stdout.splitlines() if "bot: " in line]


def test_bot_of_fifty_lines_books_moves_and_cancels(stack: LiveStack) -> None:
    assert len(BOT.read_text().splitlines()) <= 51
    name, phone = "Bruno Bot", "+49 170 5550123"
    days = [(datetime.now(UTC) + timedelta(days=ahead)).date().isoformat() for ahead in (8, 9)]
    said = talk(stack, "book", days[0], "1", name, phone, "move", days[1], "2", "cancel", "cancel", "bye")
    beginnings: list[str | tuple[str, ...]] = [
        ("I can offer you ", "Nothing is free on "),
        "I keep ",
        "I have asked ",
        ("I can offer you ", "Nothing is free on "),
        "I keep ",
        "Your visit is moved: ",
        "Your visit is cancelled: ",
        "Your visit is cancelled: ",
    ]
    assert len(said) == len(beginnings)
    assert [line for line, wanted in zip(said, beginnings, strict=True) if not line.startswith(wanted)] == []

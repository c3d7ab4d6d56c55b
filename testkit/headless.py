"""The Chromium that tests look through: its headless shell, or where that is missing the whole browser.

Both have the same engine. The shell draws no window of its own around a page, so that a page costs a fifth of the CPU.
What only the whole browser has (push messages, extensions, its own dialogs) needs `chromium` by name.
"""

import shutil


def chromium_program() -> str | None:
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")

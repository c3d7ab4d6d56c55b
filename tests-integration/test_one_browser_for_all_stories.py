from testkit.live.browsing import Chromium


def test_browser_that_has_died_is_started_anew(chromium: Chromium) -> None:
    first = chromium.browser()
    assert chromium.browser() is first
    first.close()
    assert chromium.browser().is_connected()
    assert chromium.browser() is not first

import pytest
from clinic.accounts.devices import name_of_device

AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": "Firefox · Linux",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
    " Mobile/15E148 Safari/604.1": "Safari · iPhone",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
    " Edg/126.0.0.0": "Edge · Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
    " Safari/537.36": "Chrome · Mac",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0"
    " Mobile/15E148 Safari/605.1.15": "Firefox · iPhone",
    "python-httpx/0.27": "python-httpx",
    "<script>": "",
    "": "",
}


@pytest.mark.parametrize(("agent", "name"), AGENTS.items())
def test_device_is_named_by_browser_and_system(agent: str, name: str) -> None:
    assert name_of_device(agent) == name

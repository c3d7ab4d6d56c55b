"""Every limit on tries has a name of its own, and the documentation lists all of them."""

import importlib
import pkgutil
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import clinic
import pytest
from clinic.accounts.lockout import KNOWN
from clinic.accounts.sign_in_addresses import BY_ACCOUNT, BY_ADDRESS
from clinic.common.limits import Limit

from tools import ROOT

# They remember that something was there; nothing is refused over them.
NO_LIMITS = {KNOWN, BY_ACCOUNT, BY_ADDRESS}
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
ROW = re.compile(r"^\| `([^`]+)` \| (\d+) \| (\d+) (minute|hour)s? \|", re.M)


@pytest.fixture(scope="module")
def limits() -> set[Limit]:
    found: set[Limit] = set()
    for module in pkgutil.walk_packages(clinic.__path__, "clinic."):
        if ".migrations" in module.name or ".management" in module.name:
            continue
        found |= {one for one in vars(importlib.import_module(module.name)).values() if isinstance(one, Limit)}
    return found


def test_no_two_limits_share_a_name(limits: set[Limit]) -> None:
    assert len(limits) > 20
    assert [scope for scope, count in Counter(limit.scope for limit in limits).items() if count > 1] == []


def test_documentation_lists_every_limit(limits: set[Limit]) -> None:
    page = (Path(ROOT) / "docs" / "concepts" / "access.md").read_text()
    listed = {(name, int(most), int(number) * UNITS[unit]) for name, most, number, unit in ROW.findall(page)}
    assert listed == {(limit.scope, limit.most, limit.within) for limit in limits - NO_LIMITS}

"""A real voice and a real Chromium. All of it is marked `system`: the default tests need no browser."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
from house import House

HERE = Path(__file__).parent
CHROMIUM = any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
TOOLS = all(importlib.util.find_spec(name) for name in ("playwright", "axe_playwright_python"))
WHY_NOT = "needs Chromium and the Python packages of monitord[browser]"

collect_ignore_glob = [] if TOOLS else ["test_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.system)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason=WHY_NOT))


@pytest.fixture(scope="session")
def browser():
    from screens import chromium  # noqa: PLC0415 - only where it is installed

    with chromium() as browser:
        yield browser


@pytest.fixture
def house(tmp_path):
    with House(tmp_path) as house:
        yield house


@pytest.fixture
def screen(browser, house):
    """Opens screens of the house; afterwards none of them may have made a mistake or asked another host."""
    from screens import Screen  # noqa: PLC0415 - as above

    opened = []

    def open_one(**options):
        opened.append(Screen(browser, options.pop("url", house.url), **options))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()
    for each in opened:
        assert each.errors == []
        assert each.foreign == []

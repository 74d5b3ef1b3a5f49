from __future__ import annotations

import pytest
from eye_house import House


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.close()

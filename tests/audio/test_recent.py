"""Whatever the blocks are, and whenever somebody asks: what is given is what an array of all of it would give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitord.audio.recent import Recent

NEEDS = 50


@given(st.lists(st.tuples(st.integers(0, 90), st.booleans(), st.integers(0, 90)), max_size=40))
def test_what_is_asked_for_is_what_came(blocks):
    recent, all_of_it = Recent(NEEDS), np.zeros(NEEDS, np.int16)
    for length, asked, later in blocks:
        block = np.arange(len(all_of_it), len(all_of_it) + length).astype(np.int16)
        recent.add(block)
        all_of_it = np.concatenate([all_of_it, block])
        if asked:
            end = len(all_of_it) - min(later, length)
            np.testing.assert_array_equal(recent.newest(NEEDS, min(later, length)), all_of_it[end - NEEDS : end])


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_old_is_let_go(asks):
    recent = Recent(NEEDS)
    for _ in range(1000):
        recent.add(np.ones(30, np.int16))
        if asks:
            recent.newest(NEEDS)
    assert sum(map(len, recent._blocks)) <= NEEDS + 2 * 30

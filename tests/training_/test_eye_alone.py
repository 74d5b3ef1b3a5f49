"""Heaps of cloth rendered alone: whole meshes, seen whole by a camera that is as near as that allows."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2")

from training.render import alone, outline


class NoBodies:
    """Heaps need nobody."""


@pytest.mark.parametrize("seed", range(6))
def test_a_heap_fills_the_picture(seed):
    points = np.concatenate([one.points for one in alone._heap(np.random.default_rng(seed))])
    camera = alone._camera(points, np.random.default_rng(seed))
    seen = outline.box_of(points, camera)
    assert seen is not None
    # Nothing is cut off: its edges are within the picture, and at least one side nearly reaches one.
    edges = [
        seen.x - seen.width / 2,
        seen.y - seen.height / 2,
        1 - seen.x - seen.width / 2,
        1 - seen.y - seen.height / 2,
    ]
    assert min(edges) > 0
    assert min(edges) < 0.15


def test_a_number_makes_the_same_heap():
    number = next(n for n in range(20) if np.random.default_rng((n, 31)).random(3)[2] < alone._NOBODY)
    first, second = alone.make(number, NoBodies()), alone.make(number, NoBodies())
    assert not len(first.body)
    assert first.camera.wide_deg == second.camera.wide_deg
    assert all(np.array_equal(a.points, b.points) for a, b in zip(first.things, second.things, strict=True))

"""Waiting for what another process does, with an end to the patience."""

import time

PATIENCE_S = 30.0


def until(true):
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)

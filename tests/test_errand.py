from __future__ import annotations

import os
import sys

import pytest

from monitord.errand import Errand


def test_what_a_child_works_out_comes_back_and_the_child_is_gone():
    errand = Errand(lambda: str(os.getpid()).encode() + bytes(300_000))
    said = errand.result()
    child = int(said.rstrip(b"\0"))
    assert child != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def load_wave():
    __import__("wave")
    return b"wave" if "wave" in sys.modules else b""


def test_what_the_child_loads_is_not_kept():
    sys.modules.pop("wave", None)
    assert Errand(load_wave).result() == b"wave"
    assert "wave" not in sys.modules
    load_wave()  # The control: here it would stay.
    assert "wave" in sys.modules


def test_a_child_that_breaks_ends_its_maker_and_says_why(capfd):
    def broken():
        raise ValueError("no such luck")

    errand = Errand(broken)
    with pytest.raises(SystemExit) as ended:
        errand.result()
    assert ended.value.code == 1
    assert "ValueError: no such luck" in capfd.readouterr().err

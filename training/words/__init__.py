"""Turns a word into a detector: made-up speakers say it, a small head on a frozen speech embedding learns it."""

import os

# One thread each, set before tensorflow is loaded: batches are small, and more threads wait for each other.
for _name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# No deadline: a test may not fail because another program has the processor. No database: tests leave nothing behind;
# a failing example is printed with the line that repeats it.
settings.register_profile("house", deadline=None, database=None, print_blob=True)
settings.load_profile("house")

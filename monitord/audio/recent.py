"""The newest samples of a stream: kept in the blocks in which they came, and put together when they are asked for.

In a quiet room nobody asks, and to copy each block costs as much as to measure it. Pure.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from monitord.audio.features import Samples


class Recent:
    """See above.

    Args:
        needs: so many samples before a block are there with it; before the stream there was silence.
    """

    def __init__(self, needs: int) -> None:
        self._needs = needs
        self._blocks: deque[Samples] = deque([np.zeros(needs, np.int16)])
        self._length = needs

    def add(self, block: Samples) -> None:
        """Keep `block`, shape (n,), which must not change any more, and let go what is older than needed."""
        while self._length - len(self._blocks[0]) >= self._needs:
            self._length -= len(self._blocks.popleft())
        self._blocks.append(block)
        self._length += len(block)

    def newest(self, count: int, later: int = 0) -> Samples:
        """Shape (count,): those that came before the last `later` ones."""
        if len(self._blocks) > 1:
            whole = np.concatenate(self._blocks)
            whole = whole[max(0, len(whole) - self._needs - len(self._blocks[-1])) :]
            self._blocks, self._length = deque([whole]), len(whole)
        end = self._length - later
        return self._blocks[0][end - count : end]

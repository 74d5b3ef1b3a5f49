"""Sound -> numbers that tell words apart, 96 every 80 ms: the base of the word detectors.

The pipeline and its figures are those of openWakeWord's ``AudioFeatures`` (D. Scripka, Apache-2.0) around Google's
speech embedding (Lin et al., "Training Keyword Spotters with Limited and Synthesized Speech Data", ICASSP 2020). Both
networks come out of the installed package `pyopen-wakeword`: its files are read, its code is never imported.

Embeddings lie on an absolute grid of the stream: number k ends with sample 1280 (k + 1), whatever is looked at when. So
consecutive looks share most of them, and `SpeechEmbedding.embed`, for training, gives the same numbers as the ear.
Before the stream there was silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from monitord.model import FloatNetwork, ModelError, read_file, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitord.audio.features import Samples

Floats = npt.NDArray[np.float32]

CARD = "speech_embedding.toml"
EXAMPLE = 16
"""Embeddings in one example: with what the oldest reaches back, just over 2 s of sound."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The shapes of the pipeline.

    Attributes:
        samples: of one call of the mel network.
        step: samples from one embedding to the next.
        frames: mel frames that one step gives.
        bins: numbers in a mel frame.
        window: mel frames of one embedding.
        numbers: in an embedding.
    """

    samples: int
    step: int
    frames: int
    bins: int
    window: int
    numbers: int

    @property
    def steps(self) -> int:
        """Steps whose mel frames one embedding needs, whole or in part."""
        return -(-self.window // self.frames)


class SpeechEmbedding:
    """The two networks, loaded; they keep nothing of what they have heard.

    Attributes:
        grid: the shapes.
        needs: samples that `Embeddings.newest` has to be given.
        identity: tells these networks' numbers from any others'.
    """

    def __init__(
        self, grid: Grid, mel: FloatNetwork, embedding: FloatNetwork, *, scale: float, offset: float, identity: str
    ) -> None:
        self.grid = grid
        self.identity = identity
        self.needs = (EXAMPLE + grid.steps) * grid.step + grid.samples - grid.step
        self._mel = mel
        self._embedding = embedding
        self._scale, self._offset = np.float32(scale), np.float32(offset)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load what the card at `path` describes.

        Raises:
            ModelError: the card is unusable, the package is missing, or one of its files is not the one of the card.
        """
        card = read_toml(path)
        try:
            mel, embedding = card["mel"], card["embedding"]
            grid = Grid(
                mel["samples"], mel["step"], mel["frames"], mel["bins"], embedding["frames"], embedding["numbers"]
            )
            mel_path, mel_content = _file(path, card, mel)
            embedding_path, embedding_content = _file(path, card, embedding)
            return cls(
                grid,
                FloatNetwork(mel_path, mel_content, (1, grid.samples), (1, 1, grid.frames, grid.bins)),
                FloatNetwork(
                    embedding_path, embedding_content, (1, grid.window, grid.bins, 1), (1, 1, 1, grid.numbers)
                ),
                scale=mel["scale"],
                offset=mel["offset"],
                identity=f"{mel['sha256'][:16]}-{embedding['sha256'][:16]}",
            )
        except (KeyError, TypeError) as wrong:
            raise ModelError(f"{path}: the card of the speech embedding has no usable {wrong}") from None

    def mel(self, samples: Samples) -> Floats:
        """The mel frames of one step, shape (frames, bins), of the `grid.samples` samples that end with it."""
        decibels = self._mel(samples.astype(np.float32)[None])[0, 0]
        return np.asarray(decibels * self._scale + self._offset)

    def embedding(self, mels: Floats) -> Floats:
        """The embedding, shape (numbers,), of `mels`, shape (window, bins)."""
        return np.asarray(self._embedding(mels[None, :, :, None])[0, 0, 0])

    def embed(self, samples: Samples) -> Floats:
        """Every embedding of a stream that consists of `samples`.

        Args:
            samples: shape (n,), int16, mono, 16 kHz.

        Returns:
            Shape (n // 1280, 96), float32; row k ends with sample 1280 (k + 1).
        """
        grid = self.grid
        count = len(samples) // grid.step
        stream = np.concatenate([np.zeros((grid.steps - 1) * grid.step + grid.samples - grid.step, np.int16), samples])
        mels = np.empty(((grid.steps - 1 + count) * grid.frames, grid.bins), np.float32)
        for number, row in enumerate(range(0, len(mels), grid.frames)):
            mels[row : row + grid.frames] = self.mel(stream[number * grid.step :][: grid.samples])
        found = np.empty((count, grid.numbers), np.float32)
        for number in range(count):
            found[number] = self.embedding(mels[: (grid.steps + number) * grid.frames][-grid.window :])
        return found


class Embeddings:
    """The newest embeddings of one stream, of which only those are computed that were not before.

    Attributes:
        needs: samples that `newest` has to be given.
        shape: of what it gives.
    """

    def __init__(self, network: SpeechEmbedding) -> None:
        grid = network.grid
        self.needs = network.needs
        self.shape = (EXAMPLE, grid.numbers)
        self._network = network
        self._mels = np.zeros(((EXAMPLE + grid.steps - 1) * grid.frames, grid.bins), np.float32)
        self._found = np.zeros(self.shape, np.float32)
        self._at: int | None = None

    def newest(self, kept: Samples, end: int) -> Floats:
        """The `EXAMPLE` newest embeddings, oldest first, shape (16, 96); the array is overwritten by the next call.

        Args:
            kept: the newest samples, at least `SpeechEmbedding.needs`; zeros stand for what was before the stream.
            end: samples of the stream so far; `kept` ends there.
        """
        grid = self._network.grid
        at = end // grid.step
        new = EXAMPLE + grid.steps - 1 if self._at is None else min(at - self._at, EXAMPLE + grid.steps - 1)
        self._at = at
        if new == 0:
            return self._found
        _shift(self._mels, new * grid.frames)
        for back in range(new - 1, -1, -1):
            stop = len(kept) - (end - at * grid.step) - back * grid.step
            row = len(self._mels) - (back + 1) * grid.frames
            self._mels[row : row + grid.frames] = self._network.mel(kept[stop - grid.samples : stop])
        new = min(new, EXAMPLE)
        _shift(self._found, new)
        for back in range(new - 1, -1, -1):
            rows = self._mels[: len(self._mels) - back * grid.frames]
            self._found[EXAMPLE - 1 - back] = self._network.embedding(rows[-grid.window :])
        return self._found


def _shift(rows: Floats, by: int) -> None:
    rows[: len(rows) - by] = rows[by:]


def _file(path: Path, card: Mapping[str, Any], part: Mapping[str, Any]) -> tuple[Path, bytes]:
    """Path and content of a file of the installed package; the package is not imported."""
    from importlib import metadata  # noqa: PLC0415 - a third of all that an ear without words would load

    package, version = card["package"], card["version"]
    try:
        # It need not be a path of the file system for every importer; for packages that pip installs it is.
        file = Path(str(metadata.distribution(package).locate_file(part["file"])))
    except metadata.PackageNotFoundError:
        raise ModelError(
            f"{path}: the Python package {package} {version}, which words need, is not installed (there is none for "
            "32-bit systems); run ./monitord.sh again, it installs it, or set audio.words = []"
        ) from None
    return file, read_file(file, part["sha256"], f"reinstall the Python package {package} {version}")

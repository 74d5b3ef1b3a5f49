"""Renders the demo's pictures: ``python -m training.scene_pictures --out monitord/scene/pictures``.

An infant lies in a crib, seen from a shelf, by day and by the near-infrared lamp of a night camera; and the empty crib
twice. The model never trains on them: what it says of them is what the demo tells.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from training.raymarch import Part, bars, box, capsule, ellipsoid, render

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE = (192, 256)
_SKIN, _HAIR, _SUIT = (0.62, 0.38, 0.28), (0.07, 0.045, 0.03), (0.55, 0.62, 0.75)


def _plain(colour: tuple[float, ...]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: np.broadcast_to(np.array(colour, np.float32), points.shape)


def _cloth(colour: tuple[float, ...], wave: float) -> Callable[[np.ndarray], np.ndarray]:
    """Cloth with faint folds."""

    def paint(points: np.ndarray) -> np.ndarray:
        fold = np.sin(points[:, 0] * wave + 3 * np.sin(points[:, 1] * wave / 3)) * np.sin(points[:, 1] * wave / 1.7)
        return np.array(colour, np.float32) * (1 + 0.07 * fold[:, None])

    return paint


def _wood(colour: tuple[float, ...]) -> Callable[[np.ndarray], np.ndarray]:
    def paint(points: np.ndarray) -> np.ndarray:
        grain = np.sin(points[:, 1] * 40 + 2 * np.sin(points[:, 0] * 7)) * 0.5 + 0.5
        return np.array(colour, np.float32) * (0.85 + 0.15 * grain[:, None])

    return paint


def _crib() -> list[Part]:
    wood = _wood((0.5, 0.33, 0.19))
    rails = [box((0, side * 0.38, height), (0.68, 0.022, 0.025), 0.01) for side in (-1, 1) for height in (0.5, -0.12)]
    ends = [box((side * 0.68, 0, 0.2), (0.02, 0.4, 0.36), 0.01) for side in (-1, 1)]
    return [
        Part(lambda points: points[:, 2] + 0.5, _wood((0.42, 0.32, 0.24))),
        Part(lambda points: 1.1 - points[:, 1], _plain((0.6, 0.58, 0.52))),
        *(Part(shape, wood) for shape in (*rails, *ends)),
        *(Part(bars((0, side * 0.38, 0.19), 0.085, 14, 0.011, 0.62), wood) for side in (-1, 1)),
        Part(box((0, 0, -0.08), (0.66, 0.36, 0.08), 0.035), _cloth((0.78, 0.77, 0.74), 23)),
    ]


def _infant(arm: float, turn: float) -> list[Part]:
    """An infant on its back, head towards -x. `arm` raises the hands, `turn` turns the head, both about -1..1."""
    skin, suit = _plain(_SKIN), _cloth(_SUIT, 60)
    head = (-0.30, 0.02 * turn, 0.085)
    hands = [(-0.27 - 0.09 * arm, 0.20, 0.05), (-0.22 + 0.08 * arm, -0.21, 0.045)]
    parts = [
        Part(ellipsoid((-0.08, 0, 0.065), (0.15, 0.092, 0.075)), suit),
        Part(ellipsoid((0.06, 0, 0.06), (0.10, 0.095, 0.07)), suit, 0.03),
    ]
    for side, hand in zip((1, -1), hands, strict=True):
        shoulder, elbow = (-0.17, side * 0.085, 0.07), (-0.16, side * 0.18, 0.045)
        parts += [
            Part(capsule(shoulder, elbow, 0.036, 0.032), suit, 0.025),
            Part(capsule(elbow, hand, 0.030, 0.024), suit, 0.01),
            Part(ellipsoid(hand, (0.03, 0.024, 0.022)), skin),
        ]
        hip, knee, foot = (
            (0.11, side * 0.055, 0.06),
            (0.22, side * 0.13, 0.085),
            (0.33, side * (0.09 + 0.03 * arm), 0.035),
        )
        parts += [
            Part(capsule(hip, knee, 0.052, 0.043), suit, 0.025),
            Part(capsule(knee, foot, 0.042, 0.032), suit, 0.02),
            Part(capsule(foot, (foot[0] + 0.03, foot[1], foot[2] + 0.035), 0.024, 0.02), skin),
        ]
    face = (head[0] + 0.018, head[1] + 0.03 * turn, head[2] + 0.075)
    parts += [
        Part(ellipsoid(head, (0.098, 0.078, 0.082)), skin),
        Part(
            ellipsoid((head[0] - 0.022, head[1] - 0.01 * turn, head[2] - 0.012), (0.088, 0.080, 0.083)), _plain(_HAIR)
        ),
        Part(ellipsoid((face[0] + 0.004, face[1], face[2] + 0.004), (0.013, 0.011, 0.012)), skin, 0.01),
        *(
            Part(ellipsoid((face[0] + 0.03, face[1] + s * 0.034, face[2] - 0.02), (0.03, 0.026, 0.024)), skin, 0.015)
            for s in (-1, 1)
        ),
        *(
            Part(
                ellipsoid((face[0] - 0.014, face[1] + s * 0.027, face[2] - 0.003), (0.005, 0.012, 0.008)),
                _plain((0.05, 0.03, 0.03)),
            )
            for s in (-1, 1)
        ),
        *(
            Part(
                ellipsoid((face[0] - 0.027, face[1] + s * 0.027, face[2] - 0.004), (0.003, 0.014, 0.007)), _plain(_HAIR)
            )
            for s in (-1, 1)
        ),
        *(Part(ellipsoid((head[0] + 0.01, head[1] + s * 0.078, head[2]), (0.02, 0.009, 0.022)), skin) for s in (-1, 1)),
        Part(ellipsoid((face[0] + 0.036, face[1], face[2] - 0.004), (0.010, 0.017, 0.010)), _plain((0.30, 0.08, 0.08))),
    ]
    return parts


def _photograph(light: np.ndarray, rng: np.random.Generator, *, infrared: bool) -> np.ndarray:
    """What a cheap camera makes of it: (height, width, 3) blue, green, red, uint8."""
    if infrared:
        light = np.repeat((light @ np.array((0.5, 0.3, 0.2)))[..., None], 3, axis=2)
        rows, columns = np.ogrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : light.shape[1] * 1j]
        light = light * np.exp(-0.5 * (rows**2 + columns**2))[..., None]
    light = light / np.quantile(light, 0.98) * 0.85
    picture = 255 * np.clip(light, 0, 1) ** (1 / 2.2)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.7)
    noise = rng.normal(0, 1.5 if infrared else 0.4, picture.shape[:2])[..., None]
    return np.clip(picture + noise, 0, 255).astype(np.uint8)[:, :, ::-1]


def main() -> None:
    """Render them all."""
    parser = argparse.ArgumentParser(prog="python -m training.scene_pictures", description="Renders the scene.")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder; the demo shows it, tests also night/ and empty/ in it"
    )
    out = parser.parse_args().out
    rng = np.random.default_rng(2)
    scenes = [
        (f"lying_{number}.png", _infant(np.sin(number * 1.3), np.cos(number * 0.9)), False) for number in range(4)
    ]
    scenes += [
        ("empty/day.png", [], False),
        ("empty/night.png", [], True),
        ("night/lying.png", _infant(0.3, 0.5), True),
    ]
    for name, infant, infrared in tqdm(scenes, desc="rendering", unit="picture"):
        light = render(
            _crib() + infant,
            eye=(0.12, -0.72, 1.45),
            at=(-0.03, 0.0, 0.0),
            size=_SIZE,
            field_deg=40,
            lamp=(0.08, -0.68, 1.6) if infrared else (-0.9, -0.9, 2.2),
            ambient=0.25 if infrared else 0.45,
        )
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = _photograph(light, rng, infrared=infrared)
        # One plane says as much of a grey picture, in a third of the bytes.
        cv2.imwrite(str(path), picture[:, :, 0] if infrared else picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()

"""Made-up bedrooms: walls, a bed or crib, furniture and clutter. The same number makes the same room. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.render.cloth import blanket, pattern
from training.render.mesh import Mesh, Points, ball, box, noise, rod, sheet, turned

_WOOD = np.array([[0.5, 0.33, 0.19], [0.3, 0.18, 0.1], [0.72, 0.58, 0.4], [0.85, 0.84, 0.8], [0.12, 0.1, 0.09]])


@dataclass(frozen=True, slots=True)
class Bed:
    """Where somebody may lie.

    Attributes:
        kind: "bed", "crib", or "floor" (a mat).
        width: of the mattress, metres, across.
        length: along.
        height: of its upper side above the floor.
        turn_rad: of its length against y.
        place: of its middle, x and y.
    """

    kind: str
    width: float
    length: float
    height: float
    turn_rad: float
    place: tuple[float, float]

    def put(self, mesh: Mesh) -> Mesh:
        """`mesh` from the bed's coordinates (origin: middle of the mattress' upper side, head at +y) to the room's."""
        points = mesh.points @ turned(2, self.turn_rad).T + [*self.place, self.height]
        return Mesh(points, mesh.corners, mesh.colours, mesh.kind)


@dataclass(frozen=True, slots=True)
class Room:
    """A room without people.

    Attributes:
        width: x from 0 to here, metres.
        depth: y from 0 to here.
        bed: where somebody may lie.
        meshes: all there is but bedclothes.
        furniture: those of them that may block the view.
        window: middle (3,) and size (2,) of a window in the wall at y = depth.
    """

    width: float
    depth: float
    bed: Bed
    meshes: list[Mesh]
    furniture: list[Mesh]
    window: tuple[Points, Points]


def make(seed: int, *, crib: bool) -> Room:
    """The room of number `seed`."""
    rng = np.random.default_rng((seed, 71))
    width, depth = rng.uniform(2.6, 4.8, 2)
    bed = _place(rng, width, depth, crib=crib)
    meshes = _shell(rng, width, depth)
    meshes += [bed.put(part) for part in (_crib(bed, rng) if crib else _bed(bed, rng))]
    furniture = _furniture(rng, width, depth, bed)
    meshes += furniture
    meshes += _clutter(rng, width, depth, bed)
    window = np.array([rng.uniform(0.25, 0.75) * width, depth - 0.02, rng.uniform(1.3, 1.6)])
    return Room(width, depth, bed, meshes, furniture, (window, rng.uniform((0.7, 0.8), (1.6, 1.3))))


def bedclothes(bed: Bed, body: Points | None, cover: float, rng: np.random.Generator) -> list[Mesh]:
    """Blankets and pillows in the room's coordinates.

    Args:
        bed: whose.
        body: (n, 3) points of who lies there, in the bed's coordinates; None for nobody.
        cover: share of the bed's length, from the foot up, that a blanket covers; 0: none.
        rng: for its looks.
    """
    colours = (_colour(rng), _colour(rng))
    half, end = bed.width / 2, bed.length / 2
    rumpled = float(rng.choice([rng.uniform(0.005, 0.03), rng.uniform(0.03, 0.09), rng.uniform(0.08, 0.2)]))
    if body is not None:
        rumpled = min(rumpled, 0.06)
    if bed.kind == "crib":
        rumpled *= 0.5
    made = []
    if cover > 0:
        over = 0.0 if bed.kind == "crib" else float(rng.uniform(-0.15, 0.03))
        left, right = -half - over + rng.uniform(0, 0.2) * half, half + over - rng.uniform(0, 0.2) * half
        area = (left, -end + rng.uniform(0, 0.1), right, -end + cover * bed.length)
        made.append(blanket(body, area, rng, colours, rumpled=rumpled))
    elif body is None and rng.random() < 0.7:
        near = rng.uniform(-end, 0.2 * end)
        far = near + rng.uniform(0.3, 0.6) * bed.length
        area = (-half * rng.uniform(0.3, 1), near, half * rng.uniform(0.2, 1), min(far, end))
        made.append(blanket(None, area, rng, colours, rumpled=rng.uniform(0.05, 0.22) * min(1.0, bed.width)))
    if bed.kind != "crib" or rng.random() < 0.3:
        size = np.array([min(0.35, half * 0.8), 0.2, 0.07]) * rng.uniform(0.8, 1.1)
        for side in (-1, 1) if bed.width > 1.2 else (0,):
            centre = [side * half / 2 + rng.uniform(-0.05, 0.05), end - 0.3 + rng.uniform(-0.06, 0.1), 0.03]
            made.append(ball(np.array(centre), size, _colour(rng, light=True), rng.uniform(-0.3, 0.3)))
    return [bed.put(mesh) for mesh in made]


def _colour(rng: np.random.Generator, *, light: bool = False) -> Points:
    made: Points = rng.uniform(0.05, 0.9, 3)
    made = 0.6 * made.mean() + 0.4 * made
    return 0.55 + 0.35 * made if light else made


def _place(rng: np.random.Generator, width: float, depth: float, *, crib: bool) -> Bed:
    size = (
        (rng.uniform(0.58, 0.72), rng.uniform(1.15, 1.42)) if crib else (rng.uniform(0.85, 1.7), rng.uniform(1.9, 2.1))
    )
    height = rng.uniform(0.3, 0.55) if crib else rng.uniform(0.3, 0.62)
    turn = float(rng.choice([0.0, np.pi / 2, np.pi, -np.pi / 2]) + rng.uniform(-0.08, 0.08))
    across = abs(np.sin(turn)) > 0.7
    half = np.array([size[1], size[0]] if across else size) / 2
    room = np.array([width, depth]) - 2 * half - 0.1
    place = half + 0.05 + np.clip(rng.choice([0.0, 1.0, rng.uniform(0, 1)], 2), 0, 1) * np.maximum(room, 0)
    return Bed("crib" if crib else "bed", *size, height, turn, (float(place[0]), float(place[1])))


def _shell(rng: np.random.Generator, width: float, depth: float) -> list[Mesh]:
    """Floor and four walls; no ceiling, light comes in from above."""
    tall = rng.uniform(2.3, 2.8)
    made = []
    x, y = np.meshgrid(np.linspace(0, width, 60), np.linspace(0, depth, 60))
    wood = _WOOD[rng.integers(len(_WOOD))]
    if rng.random() < 0.6:
        board = np.floor(x / rng.uniform(0.08, 0.2))
        shade = 0.85 + 0.15 * np.sin(board * 12.9898 + np.floor(y * 1.3) * 3.1) + 0.05 * noise(x.shape, 20, rng)
        floor = wood * shade[..., None]
    else:
        floor = pattern(x * 0.3, y * 0.3, (_colour(rng), _colour(rng)), rng)
    made.append(sheet(x, y, np.zeros_like(x), np.clip(floor, 0.02, 0.95)))
    if rng.random() < 0.5:
        across, along = rng.uniform(0.8, 1.8, 2)
        x0, y0 = rng.uniform(0.2, max(width - across, 0.3)), rng.uniform(0.2, max(depth - along, 0.3))
        rx, ry = np.meshgrid(np.linspace(x0, x0 + across, 40), np.linspace(y0, y0 + along, 40))
        made.append(sheet(rx, ry, np.full_like(rx, 0.01), pattern(rx, ry, (_colour(rng), _colour(rng)), rng)))
    wall = _colour(rng, light=rng.random() < 0.75)
    paper = rng.random() < 0.25
    ends = [((0, 0), (width, 0)), ((width, 0), (width, depth)), ((width, depth), (0, depth)), ((0, depth), (0, 0))]
    for (xa, ya), (xb, yb) in ends:
        along, up = np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, tall, 30))
        length = np.hypot(xb - xa, yb - ya)
        paint = wall * (1 + 0.02 * noise(along.shape, 4, rng))[..., None]
        if paper:
            paint = pattern(along * length, up, (wall, np.clip(wall * rng.uniform(0.6, 1.2), 0, 1)), rng)
        made.append(sheet(xa + along * (xb - xa), ya + along * (yb - ya), up, np.clip(paint, 0.02, 0.95)))
    for _ in range(rng.integers(0, 4)):  # pictures
        at, high, size = rng.uniform(0.15, 0.85) * width, rng.uniform(1.3, 1.9), rng.uniform(0.2, 0.6, 2)
        made.append(box(np.array([at, depth - 0.02, high]), np.array([size[0], 0.03, size[1]]), _colour(rng)))
        inner = np.array([size[0] * 0.8, 0.04, size[1] * 0.8])
        made.append(box(np.array([at, depth - 0.03, high]), inner, _colour(rng)))
    return made


def _crib(bed: Bed, rng: np.random.Generator) -> list[Mesh]:
    wood = _WOOD[rng.integers(len(_WOOD))] * rng.uniform(0.8, 1.1)
    half, end = bed.width / 2 + 0.02, bed.length / 2 + 0.02
    top, low = rng.uniform(0.3, 0.62), -min(bed.height - 0.05, 0.3)
    made = [_mattress(bed, rng)]
    gap, radius = rng.uniform(0.065, 0.1), rng.uniform(0.007, 0.014)
    open_side = rng.integers(-1, 3)
    for number, side in enumerate((-1, 1)):
        if number == open_side:
            continue
        made += [box(np.array([side * half, 0, z]), np.array([0.025, 2 * end, 0.04]), wood) for z in (low, top)]
        made += [rod([side * half, y, low], [side * half, y, top], radius, wood) for y in np.arange(-end, end, gap)]
    barred = rng.random() < 0.6
    for side in (-1, 1):
        if barred:
            made += [box(np.array([0, side * end, z]), np.array([2 * half, 0.025, 0.04]), wood) for z in (low, top)]
            made += [rod([x, side * end, low], [x, side * end, top], radius, wood) for x in np.arange(-half, half, gap)]
        else:
            middle, tall = (top + low) / 2, top - low
            made.append(box(np.array([0, side * end, middle]), np.array([2 * half, 0.03, tall]), wood))
    legs = [(a * half, b * end) for a in (-1, 1) for b in (-1, 1)]
    down = -bed.height
    made += [box(np.array([x, y, (top + down) / 2]), np.array([0.04, 0.04, top - down]), wood) for x, y in legs]
    for _ in range(rng.integers(0, 4)):  # soft toys
        at = np.array([rng.uniform(-0.8, 0.8) * half, rng.uniform(-0.9, 0.9) * end, 0.05])
        made += _toy(at, rng.uniform(0.04, 0.09), rng)
    return made


def _bed(bed: Bed, rng: np.random.Generator) -> list[Mesh]:
    wood = _WOOD[rng.integers(len(_WOOD))] * rng.uniform(0.8, 1.1)
    made = [_mattress(bed, rng)]
    thick = min(0.2, bed.height * 0.5)
    frame = np.array([bed.width + 0.04, bed.length + 0.04, bed.height - thick])
    made.append(box(np.array([0, 0, -thick - frame[2] / 2]), frame, wood))
    if rng.random() < 0.7:
        tall = rng.uniform(0.3, 0.8)
        made.append(box(np.array([0, bed.length / 2 + 0.03, tall / 2 - 0.2]), np.array([bed.width, 0.05, tall]), wood))
    return made


def _mattress(bed: Bed, rng: np.random.Generator) -> Mesh:
    """Its upper side, with slight waves, and its sides."""
    half, end, thick = bed.width / 2, bed.length / 2, min(0.2, bed.height * 0.5)
    rows = np.concatenate([[-end, *np.linspace(-end, end, 50), end]])
    columns = np.concatenate([[-half, *np.linspace(-half, half, 40), half]])
    x, y = np.meshgrid(columns, rows)
    z = 0.004 * noise(x.shape, 6, rng) - 0.004
    z[[0, -1]], z[:, [0, -1]] = -thick, -thick
    colours = (_colour(rng, light=rng.random() < 0.8), _colour(rng, light=True))
    return sheet(x, y, z, pattern(x, y, colours, rng), "cloth")


def _furniture(rng: np.random.Generator, width: float, depth: float, bed: Bed) -> list[Mesh]:
    made: list[Mesh] = []
    for _ in range(rng.integers(1, 5)):
        wood = _WOOD[rng.integers(len(_WOOD))] if rng.random() < 0.7 else _colour(rng)
        size = np.array([rng.uniform(0.4, 1.2), rng.uniform(0.3, 0.55), rng.uniform(0.4, 2.0)])
        wall = rng.integers(3)
        at = {
            0: (rng.uniform(0.5, max(width - 0.5, 0.6)), depth - size[1] / 2 - 0.02),
            1: (size[1] / 2 + 0.02, rng.uniform(0.5, depth)),
            2: (width - size[1] / 2 - 0.02, rng.uniform(0.5, depth)),
        }[int(wall)]
        if np.hypot(at[0] - bed.place[0], at[1] - bed.place[1]) < 0.75 * bed.length:
            continue
        turn = 0.0 if wall == 0 else np.pi / 2
        made.append(box(np.array([*at, size[2] / 2]), size, wood, turn))
        front = np.array([0.0, -1.0, 0.0]) if wall == 0 else np.array([1.0 if wall == 1 else -1.0, 0.0, 0.0])
        for share in np.arange(0.15, 0.95, rng.uniform(0.2, 0.5)):  # drawers
            drawer = np.array([size[0] * 0.9, 0.015, size[2] * 0.15])
            centre = np.array([*at, share * size[2]]) + front * (size[1] / 2 + 0.008)
            made.append(box(centre, drawer, wood * rng.uniform(0.7, 1.1), turn))
        if size[2] < 1.3:
            for _ in range(rng.integers(0, 6)):
                spot = np.array([*at, size[2]]) + np.array([*rng.uniform(-0.2, 0.2, 2), 0.0])
                made += _thing(spot, rng)
    return made


def _clutter(rng: np.random.Generator, width: float, depth: float, bed: Bed) -> list[Mesh]:
    made: list[Mesh] = []
    for _ in range(int(rng.choice([0, 2, 6, 14]))):
        spot = np.array([rng.uniform(0.2, width - 0.2), rng.uniform(0.2, depth - 0.2), 0.0])
        if np.hypot(*(spot[:2] - bed.place)) > 0.6 * bed.width + 0.2:
            made += _thing(spot, rng)
    for _ in range(rng.integers(0, 3)):  # clothes and blankets dropped on the floor
        x0, y0 = rng.uniform(0.1, width - 0.9), rng.uniform(0.1, depth - 0.9)
        area = (x0, y0, x0 + rng.uniform(0.3, 0.8), y0 + rng.uniform(0.3, 0.8))
        made.append(blanket(None, area, rng, (_colour(rng), _colour(rng)), rumpled=rng.uniform(0.05, 0.2)))
    return made


def _thing(spot: Points, rng: np.random.Generator) -> list[Mesh]:
    """A box, a ball, a bottle, a lamp or a toy standing at `spot`."""
    size = rng.uniform(0.04, 0.16)
    match rng.integers(5):
        case 0:
            sides = size * rng.uniform(0.5, 2.0, 3)
            return [box(spot + np.array([0, 0, sides[2] / 2]), sides, _colour(rng), rng.uniform(0, 3))]
        case 1:
            return [ball(spot + np.array([0, 0, size]), np.full(3, size), _colour(rng))]
        case 2:
            return [rod(spot, spot + np.array([0, 0, 2 * size]), size * 0.35, _colour(rng))]
        case 3:
            top = spot + np.array([0, 0, 3 * size])
            shade = ball(top, np.array([size, size, size * 0.7]), _colour(rng, light=True))
            return [rod(spot, spot + np.array([0, 0, 3 * size]), size * 0.12, _colour(rng)), shade]
        case _:
            return _toy(spot + np.array([0, 0, size * 0.8]), size, rng)


def _toy(at: Points, size: float, rng: np.random.Generator) -> list[Mesh]:
    """A soft animal: a body, a head with ears, four stumps. It looks like a small person on purpose."""
    colour, turn = _colour(rng), rng.uniform(0, 2 * np.pi)
    parts = [((0, 0, 0), (1, 0.8, 0.8)), ((1.3, 0, 0.2), (0.65, 0.65, 0.65))]
    parts += [((1.5, side * 0.5, 0.75), (0.25, 0.25, 0.3)) for side in (-1, 1)]
    parts += [((end, side * 0.7, -0.3), (0.5, 0.35, 0.3)) for side in (-1, 1) for end in (-0.8, 0.6)]
    spin = turned(2, turn)
    return [ball(at + spin @ np.array(c) * size, np.array(r) * size, colour, turn) for c, r in parts]

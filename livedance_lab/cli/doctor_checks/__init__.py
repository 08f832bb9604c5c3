"""Checks of this machine, with advice for each problem.

Each check examines one thing and returns one line; none raises.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import numpy as np

from livedance_lab import clock
from livedance_lab.cli.doctor_checks.check import Check
from livedance_lab.cli.doctor_checks.server import from_outside, health
from livedance_lab.errors import LiveDanceError
from livedance_lab.estimators import model_store
from livedance_lab.media.images import ImageArray
from livedance_lab.system.tls import Trust

__all__ = ["Check", "run"]

PORT = 8000
_PACKAGE = "livedance-lab"
_INSTALL = f"In the project's folder run: {sys.executable} -m pip install ."
_SHOWN = ("mediapipe", "opencv-python", "numpy", "tornado", "websockets", "pandas", "pyarrow", "matplotlib")
_ENOUGH_BYTES, _LITTLE_BYTES = 1.0e9, 0.4e9  # one client's landmarkers take 0.16 GB
_SLOW_MS = 80.0  # below 12 results per second fast movement is not followed


def run(
    server: str | None = None, progress: model_store.Progress | None = None, token: str = "", trust: Trust = True
) -> Iterator[Check]:
    """Run all checks and yield each result as it is known.

    Parameters
    ----------
    server : str, optional
        URL of a server to check, such as ``http://127.0.0.1:8000``.
    progress : callable, optional
        Called while missing models are downloaded.
    token : str, optional
        Token of the server; not needed for a server of this user on this machine.
    trust : bool, str, Path or ssl.SSLContext, default True
        Certificates to trust, see `livedance_lab.system.tls`.

    Yields
    ------
    Check
    """
    yield python()
    yield packages()
    yield opencv()
    yield processors()
    yield memory()
    yield models(progress)
    yield inference()
    yield port(PORT)
    yield jupyter()
    yield browser()
    if server is not None:
        yield from from_outside(server, token, trust)


def python() -> Check:
    """Check the Python interpreter."""
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {sys.executable}"
    if sys.maxsize < 2**32:
        return Check("Python", "fail", f"{text}, 32 bit", "MediaPipe needs a 64-bit Python.")
    return Check("Python", "ok", text)


def packages() -> Check:
    """Check that every required package is installed in an allowed version."""
    try:
        requirements = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return Check("packages", "fail", f"{_PACKAGE} is not installed", _INSTALL)
    wrong = []
    for requirement in (r for r in requirements if "extra ==" not in r):
        name, _, wanted = re.fullmatch(r"([\w.-]+)((.*))", requirement).groups()  # type: ignore[union-attr]
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if not _fits(version, wanted):
            wrong.append(f"{name} is {version}, needed is {wanted}")
    if wrong:
        return Check("packages", "fail", "; ".join(wrong), _INSTALL)
    return Check("packages", "ok", ", ".join(f"{name} {metadata.version(name)}" for name in _SHOWN))


def _fits(version: str, wanted: str) -> bool:
    """Tell whether a version lies in a range of ``>=`` and ``<``, the only operators this package uses."""
    tests: dict[str, Callable[[list[int], list[int]], bool]] = {">=": lambda a, b: a >= b, "<": lambda a, b: a < b}
    have = _numbers(version)
    return all(tests[sign](have, _numbers(bound)) for sign, bound in re.findall(r"(>=|<)\s*([\w.]+)", wanted))


def _numbers(version: str) -> list[int]:
    numbers = [int(n) for n in re.findall(r"\d+", version)]
    return numbers + [0] * (4 - len(numbers))


def opencv() -> Check:
    """Check that OpenCV can be imported: it needs system libraries that small installations lack."""
    from livedance_lab.media import images

    try:
        cv2 = images.load_cv2()
        images.decode_rgb(images.encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    except LiveDanceError as exc:
        return Check("OpenCV", "fail", str(exc).split(" Where ")[0],
                     "Run: pip install --force-reinstall --no-deps opencv-python-headless")  # fmt: skip
    return Check("OpenCV", "ok", f"{cv2.__version__} can decode images")


def processors() -> Check:
    """Check how many cores this process may use."""
    from livedance_lab.system.resources import core_count

    cores = core_count()
    quota = _quota()
    usable = min(cores, quota or cores)
    text = f"{cores} cores" + (f", limited to {quota:.2g} by the container" if quota and quota < cores else "")
    if usable < 2:
        return Check("cores", "warn", text, "Pose and hands share one core: expect half the results or turn hands off.")
    return Check("cores", "ok", text)


def _quota() -> float | None:
    """Return the number of cores that a Linux control group allows; None without a limit."""
    try:
        granted, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return float(granted) / float(period)
    except (OSError, ValueError):
        return None


def memory() -> Check:
    """Check how much memory is free."""
    import psutil

    free = psutil.virtual_memory().available
    text = f"{free / 1e9:.1f} GB free"
    if free < _LITTLE_BYTES:
        return Check("memory", "fail", text, "Close other programs: a server with one client needs 0.4 GB.")
    if free < _ENOUGH_BYTES:
        return Check("memory", "warn", text, "Enough for one client; each further client needs 0.16 GB.")
    return Check("memory", "ok", text)


def models(progress: model_store.Progress | None = None) -> Check:
    """Check that the default models are on this machine and undamaged; fetch them if not."""
    before = {s.model.name: s.state for s in model_store.verify() if s.model.from_wheel}
    try:
        for kind in ("pose", "hands"):
            model_store.ensure(kind, progress=progress)
    except LiveDanceError as exc:
        return Check("models", "fail", "a model cannot be fetched", str(exc))
    made = [f"{name} was {state}, now fetched" for name, state in before.items() if state != "ok"]
    more = [s.model.name for s in model_store.verify() if s.state == "ok" and not s.model.from_wheel]
    return Check("models", "ok", "; ".join([f"{', '.join([*before, *more])} in {model_store.folder()}", *made]))


def inference() -> Check:
    """Measure how long inference takes for pose and for hands."""
    from livedance_lab.estimators import factory
    from livedance_lab.settings import Settings

    took = {}
    try:
        image, what = _picture()
        for kind in ("pose", "hands"):
            estimator = factory("mediapipe")(kind, Settings())
            times = []
            for t_ms in range(0, 330, 33):
                start_s = clock.now_s()
                estimator.estimate(image, t_ms)
                times.append((clock.now_s() - start_s) * 1000)
            estimator.close()
            took[kind] = float(np.median(times))
    except LiveDanceError as exc:
        return Check("inference", "fail", "no inference", str(exc))
    text = f"pose {took['pose']:.0f} ms, hands {took['hands']:.0f} ms per frame ({what})"
    if took["pose"] > _SLOW_MS:
        return Check("inference", "warn", text, "Slow: complexity 0 takes half the time; or turn hands off.")
    return Check("inference", "ok", text)


def _picture() -> tuple[ImageArray, str]:
    """Return a frame of the sample video; without the video an empty image, in which only the detector runs."""
    from livedance_lab.media.video import VideoSource
    from livedance_lab.samples import sample_path

    try:
        clip = sample_path()
    except LiveDanceError:
        return np.full((512, 384, 3), 128, np.uint8), "empty image"
    with VideoSource(clip) as source:
        return next(iter(source)).rgb, "with a person in it"


def port(number: int) -> Check:
    """Check that the default port of the server is free."""
    if _free(number):
        return Check("port", "ok", f"{number} is free")
    other = next((n for n in range(number + 1, number + 21) if _free(n)), None)
    text = f"port {number} is taken" + (
        " by a livedance server" if health(f"http://127.0.0.1:{number}")[0] == "ok" else ""
    )
    if other is None:
        return Check("port", "fail", text, f"The next 20 are taken, too. Choose another: --port N (not {number}).")
    return Check("port", "warn", text, f"The server will use {other}; or choose one: livedance serve --port N.")


def _free(number: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":  # on other systems this option would allow to share a port in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True


def jupyter() -> Check:
    """Check that the packages of the notebooks are installed."""
    wanted = ("jupyterlab", "ipywidgets", "anywidget", "ipywebrtc", "ipympl")
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        return Check("JupyterLab", "info", f"not installed: {', '.join(missing)}",
                     f"For the notebooks: pip install '{_PACKAGE}[notebook]'")  # fmt: skip
    return Check("JupyterLab", "info", metadata.version("jupyterlab"))


def browser() -> Check:
    """Check whether Chromium is on the path; `livedance encoding` and the browser tests need it."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
    found = next((path for name in names if (path := shutil.which(name))), None)
    return Check("Chromium", "info", found or "not found; only `livedance encoding` and the browser tests need it")

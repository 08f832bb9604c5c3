"""Writes an evaluation to files: numbers (JSON), tables (Markdown), and a page with tables and pictures (HTML)."""

from __future__ import annotations

import base64
import html
import math
import platform
from dataclasses import asdict
from pathlib import Path
from string import Template
from typing import Any

from livedance_lab._version import __version__
from livedance_lab.evaluation.run import FLOOR, Evaluation
from livedance_lab.plots.evaluation import save_painted, save_trials
from livedance_lab.system.resources import core_count
from livedance_lab.wire.messages import encode_json

__all__ = ["tables", "write_evaluation"]

_PAGE = Path(__file__).with_name("report.html")

Table = tuple[str, str, list[str], list[list[str]]]
"""Title, explanation, headings, rows."""


def tables(found: Evaluation) -> list[Table]:
    """Return the evaluation as tables of text."""
    parts = ((_painted, found.painted), (_smoothers, found.smoothers), (_lanes, found.lanes), (_angles, found.angles))
    return [make(found) for make, rows in parts if rows]


def write_evaluation(found: Evaluation, out: Path) -> list[Path]:
    """Write ``evaluation.json``, ``.md``, ``.html`` and the pictures into a folder, which is created if necessary.

    Returns
    -------
    list of Path
        The page, the tables, the numbers, the pictures.
    """
    out.mkdir(parents=True, exist_ok=True)
    page, text, numbers = out / "evaluation.html", out / "evaluation.md", out / "evaluation.json"
    numbers.write_text(encode_json(asdict(found)), encoding="utf-8")
    pictures = [save_painted([row for row in found.painted if row["recipe"] != FLOOR], out / "painted.png")]
    if found.trials:
        pictures.append(save_trials(found.trials, out / "filters.png"))
    made = tables(found)
    head = f"# Evaluation on {found.about['clip']}"
    text.write_text("\n\n".join([head, _conditions(found), *map(_markdown, made)]) + "\n", encoding="utf-8")
    page.write_text(_html(found, made, pictures), encoding="utf-8")
    return [page, text, numbers, *pictures]


def _painted(found: Evaluation) -> Table:
    specified, live = (_original_on(found, f"{kind}: original") for kind in ("simulated", "live"))
    rows = []
    for row in found.painted:
        live_base = live if row["stream"].startswith("live") else None
        rows.append([row["stream"], f"{row['rate_hz']:.1f}", f"{row['age_ms']:.0f}", row["recipe"],
                     f"{row['rms_px']:.1f}", f"{row['rms_torso']:.1%}", f"{row['p95_px']:.1f}",
                     _share(row, specified), _share(row, live_base), f"{row['roughness_px']:.2f}"])  # fmt: skip
    own = found.painted[0]["truth_roughness_px"]
    recipes = "; ".join(dict.fromkeys(f"{row['recipe']}: {row['description']}" for row in found.painted))
    bias = "bias fixed to the turning body" if found.about["turns_round"] else "constant bias"
    return (
        "The skeleton on screen",
        f"What a display at 60 Hz shows, against ground truth at the same time: {found.about['joints']} joints, each "
        f"landmark's {bias} removed. ×(a) is the ratio of the error to that of the original demo's recipe on "
        "MediaPipe's own landmarks, 15 results/s, 85 ms old; ×live is the ratio to the original's recipe on the "
        "original's stream, live in the same run. Roughness is the mean length of the second difference per painted "
        f"frame, px; that of the true motion is {own:.2f}. Recipes: {recipes}.",
        ["stream", "results/s", "age ms", "recipe", "RMS px", "torso", "p95 px", "×(a)", "×live", "roughness"],
        rows,
    )


def _original_on(found: Evaluation, stream: str) -> dict[str, Any] | None:
    return next((row for row in found.painted if (row["stream"], row["recipe"]) == (stream, "original")), None)


def _share(row: dict[str, Any], base: dict[str, Any] | None) -> str:
    return f"{row['rms_px'] / base['rms_px']:.2f}" if base else ""


def _lanes(found: Evaluation) -> Table:
    painted = {row["stream"].removeprefix("simulated: "): row for row in found.painted if row["recipe"] == "default"}
    alone = painted.get("one, every frame", painted["one landmarker"])
    pairs = zip(found.lanes, (alone, painted["two in turn"]), strict=True)
    return (
        "One landmarker, and two in turn",
        "The same frames and the same smoothing. Two landmarkers track independently, so that their results differ "
        f"slightly. RMS and roughness: painted at {alone['rate_hz']:.0f} results/s; jitter: at rest.",
        ["landmarkers", "RMS px", "roughness", "jitter raw px", "jitter smoothed px"],
        [[lane["landmarkers"], f"{row['rms_px']:.2f}", f"{row['roughness_px']:.2f}",
          f"{lane['jitter_raw']:.3f}", f"{lane['jitter']:.3f}"] for lane, row in pairs],
    )  # fmt: skip


def _smoothers(found: Evaluation) -> Table:
    return (
        "Smoothing filters",
        f"Jitter with one image repeated for 8 s, and lag on the moving clip; 30 results/s, sensor noise of "
        f"{found.about['noise_sd']:g}/255 in every image. Ratios: lag over EMA's at equal jitter, jitter over EMA's at "
        "equal lag.",
        ["filter", "jitter px", "of torso", "lag ms", "range lost", "lag ratio", "jitter ratio"],
        [[row["filter"], f"{row['jitter']:.3f}", f"{row['jitter_share']:.2%}", f"{row['lag_ms']:.1f}",
          f"{row['rom_loss']:.1%}", _ratio(row["lag_ratio"]), _ratio(row["jitter_ratio"])]
         for row in found.smoothers],
    )  # fmt: skip


def _angles(found: Evaluation) -> Table:
    rows = [[name.replace("_", " "), *(f"{row[key]:.1f}" for key in ("mae", "bias", "mae_without_bias", "mae_smooth"))]
            for name, row in found.angles.items()]  # fmt: skip
    mean = [sum(row[key] for row in found.angles.values()) / len(found.angles) for key in
            ("mae", "bias", "mae_without_bias", "mae_smooth")]  # fmt: skip
    rows.append(["mean", *(f"{value:.1f}" for value in mean)])
    return (
        "Joint angles in 3D",
        "Mean absolute error in degrees against ground truth, live. The model places its joints differently from "
        "the ground truth, so the table also has the bias and the error without it.",
        ["angle", "MAE", "bias", "MAE without bias", "MAE smoothed"],
        rows,
    )


def _ratio(value: float) -> str:
    return "beyond EMA" if math.isnan(value) else f"{value:.2f}"


def _conditions(found: Evaluation) -> str:
    about = found.about
    return (
        f"{about['clip']}, {about['seconds']:.1f} s, {about['offered_fps']:.0f} frames/s offered to live servers in "
        f"{about['rounds']} interleaved round(s); torso "
        f"{about['body_size_px']:.0f} px. livedance_lab {__version__}, {core_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}. Live rows depend on the machine and its load; simulated rows do not: "
        "their rate and age are fixed."
    )


def _markdown(table: Table) -> str:
    title, explanation, headings, rows = table
    lines = ["| " + " | ".join(headings) + " |", "|---" * len(headings) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return f"## {title}\n\n{explanation}\n\n" + "\n".join(lines)


def _html(found: Evaluation, made: list[Table], pictures: list[Path]) -> str:
    parts = [f"<h1>Evaluation on {html.escape(found.about['clip'])}</h1><p>{html.escape(_conditions(found))}</p>"]
    for number, (title, explanation, headings, rows) in enumerate(made):
        head = "".join(f"<th>{html.escape(h)}</th>" for h in headings)
        body = "".join(_html_row(row) for row in rows)
        parts.append(f"<h2>{html.escape(title)}</h2><p>{html.escape(explanation)}</p><table><thead><tr>{head}</tr></thead>"
                     f"<tbody>{body}</tbody></table>")  # fmt: skip
        if number < len(pictures):
            data = base64.b64encode(pictures[number].read_bytes()).decode()
            parts.append(f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">')
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(body="".join(parts))


def _html_row(row: list[str]) -> str:
    ours = any(cell in ("default", "kalman_adaptive") for cell in row)
    cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
    return f'<tr class="ours">{cells}</tr>' if ours else f"<tr>{cells}</tr>"

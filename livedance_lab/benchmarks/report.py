"""Writes the benchmark as a table in Markdown, as CSV and as a figure."""

from __future__ import annotations

import csv
import math
import platform
from pathlib import Path

from livedance_lab.benchmarks.designs import COLUMNS, ratios
from livedance_lab.plots.bench import save_bench
from livedance_lab.system.resources import core_count

__all__ = ["bench_table", "write_bench"]

Rows = dict[str, list[dict[str, float]]]


def bench_table(rows: Rows) -> str:
    """Markdown table: one row per value, one column per design; medians, with the ratio to the first design."""
    table = ratios(rows)
    lines = ["| | " + " | ".join(table) + " |", "|---|" + "---:|" * len(table)]
    for column, heading in COLUMNS.items():
        cells = []
        for number, (_, values) in enumerate(table.items()):
            median, _half_range, ratio = values[column]
            text = _number(column, median)
            cells.append(text if number == 0 or math.isnan(ratio) else f"{text} (×{ratio:.2f})")
        lines.append(f"| {heading} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(column: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    if column.endswith("_share"):
        return f"{value:.1%}"
    return f"{value:.2f}" if column == "cpu_cores" else f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def write_bench(rows: Rows, out: Path, *, rounds: int, seconds: float, fps: float, source: str) -> list[Path]:
    """Write ``bench.csv`` (every measurement), ``bench.md`` (the table, and how it was measured) and ``bench.png``."""
    out.mkdir(parents=True, exist_ok=True)
    csv_path, md_path = out / "bench.csv", out / "bench.md"
    with csv_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["design", "round", *COLUMNS])
        for name, measured in rows.items():
            for number, row in enumerate(measured):
                writer.writerow([name, number, *(row[column] for column in COLUMNS)])
    how = (
        f"{rounds} interleaved rounds of {seconds:g} s, {fps:g} frames/s offered, {source}; "
        f"{core_count()} cores, {platform.machine()}, Python {platform.python_version()}. Medians; × is the ratio "
        "to the first design, the median over rounds."
    )
    md_path.write_text(f"{bench_table(rows)}\n\n{how}\n", encoding="utf-8")
    shown = ("results_per_s", "age_p50_ms", "newest_age_ms", "rss_mb")
    png_path = save_bench(rows, {column: COLUMNS[column] for column in shown}, out / "bench.png")
    return [csv_path, md_path, png_path]

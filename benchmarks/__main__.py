"""`make bench`: run every benchmark in a process of its own, write BENCHMARKS.md and `bench.json` in WHYRANK_HOME."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.settings import Settings

SCRIPTS = (
    "benchmarks.rank_cpu_vs_plain_loop",
    "benchmarks.first_answer",
    "benchmarks.train_score_learning_vs_sft",
    "benchmarks.workbench",
    "benchmarks.assessors",
)
PAGE = Path(__file__).parents[1] / "BENCHMARKS.md"
START, END = "<!-- make bench: begin -->", "<!-- make bench: end -->"


def main() -> None:
    """Run, collect, write."""
    figures: list[dict[str, Any]] = []
    for script in SCRIPTS:
        print(f"{script} ...", file=sys.stderr)
        run = subprocess.run([sys.executable, "-m", script], stdout=subprocess.PIPE, text=True, check=True)
        figures += [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    home = Settings().home
    home.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    kept = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine, "figures": figures}
    (home / "bench.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    table = _table(figures, f"{kept['measured_at'][:10]}, {machine}")
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(START)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{START}\n{table}\n{END}{after}", encoding="utf-8")
    print(table)


def _table(figures: list[dict[str, Any]], measured: str) -> str:
    rows = [f"Measured {measured}.", "", "| name | figure | ratio | goal | how |", "| --- | --- | --- | --- | --- |"]
    for row in figures:
        ratio = f"{row['ratio']:.2f}x" if row["ratio"] is not None else ""
        figure = f"{row['figure']:.3g} {row['unit']}"
        rows.append(f"| `{row['name']}` | {figure} | {ratio} | {row['goal']} | {row['note']} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()

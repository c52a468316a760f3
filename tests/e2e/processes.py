"""Processes below another one, read from /proc."""

from pathlib import Path


def below(root: int) -> dict[int, str]:
    """pid -> command line of every process that descends from `root`."""
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            line = (folder / "cmdline").read_bytes()
        except OSError:  # it ended while we looked
            continue
        pid = int(folder.name)
        # The name in parentheses may hold anything, so the fields are counted behind the last one.
        parents[pid] = int(stat.rpartition(")")[2].split()[1])
        lines[pid] = line.replace(b"\0", b" ").decode(errors="replace")
    found: dict[int, str] = {}
    waiting = [root]
    while waiting:
        above = waiting.pop()
        for pid, parent in parents.items():
            if parent == above and pid not in found:
                found[pid] = lines[pid]
                waiting.append(pid)
    return found

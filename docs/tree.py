"""Draw the code's tree: the folders into the README, every module into `docs/code.md`, each with its docstring's first
sentence.

python docs/tree.py
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "training", "engine", "data")
START = "<!-- tree -->\n```\n"
COLUMN, WIDTH = 32, 128


def main() -> None:
    """Rewrite what stands behind the marks."""
    draw(ROOT / "README.md", map(heading, folders()))
    draw(ROOT / "docs" / "code.md", map(folder, folders()))


def draw(page: Path, lines: Iterable[str]) -> None:
    """Put these lines into the page's fenced block."""
    before, rest = page.read_text(encoding="utf-8").split(START)
    _, after = rest.split("```\n", 1)
    page.write_text(f"{before}{START}{''.join(lines)}```\n{after}", encoding="utf-8")


def folders() -> list[Path]:
    """Every package of the code, those of a layer together."""
    found = []
    for package in PACKAGES:
        found += sorted({path.parent for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts})
    return found


def heading(path: Path) -> str:
    """A folder's line."""
    return line(f"{path.relative_to(ROOT)}/", path / "__init__.py")


def folder(path: Path) -> str:
    """A folder's line, then one per module."""
    lines = [heading(path)]
    lines += [line(f"  {module.name}", module) for module in sorted(path.glob("*.py")) if module.stem != "__init__"]
    return "".join(lines)


def line(name: str, module: Path) -> str:
    """Name and what it is, cut to the width."""
    about = sentence(module) if module.exists() else ""
    whole = f"{name:<{COLUMN}}{about}".rstrip()
    return (whole if len(whole) <= WIDTH else whole[: WIDTH - 4].rsplit(" ", 1)[0] + " ...") + "\n"


def sentence(module: Path) -> str:
    """The first sentence of a module's docstring, up to its first colon or stop."""
    text = " ".join((ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "").split())
    found = re.match(r".+?[.?](?=\s|$)", text)
    return (found.group() if found else text).removesuffix(".")


if __name__ == "__main__":
    main()

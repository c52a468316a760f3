"""A folder of text and Markdown files, each a document: its id is the path inside the folder, its title the first
heading, else the file's name."""

import re
from collections.abc import Iterator
from pathlib import Path

from data.formats.rows import BadRows, id_problem
from data.records import Document

SUFFIXES = (".txt", ".md", ".markdown")

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<title>.*?)(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-{2,})[ \t]*")
_FENCE = re.compile(r" {0,3}(```|~~~)")


def text_files(folder: Path) -> list[Path]:
    """The folder's files of these kinds, at any depth, sorted; hidden files and folders are left out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def text_documents(folder: Path, bad: BadRows) -> Iterator[Document]:
    """A document per file; those that can't be used go to `bad`."""
    seen: dict[str, str] = {}
    for path in text_files(folder):
        name = path.relative_to(folder).as_posix()
        doc_id = re.sub(r"\s+", "_", name)
        text, line, problem = _text(path)
        problem = id_problem(doc_id) or problem
        first = seen.setdefault(doc_id, name)
        if problem is None and first != name:
            problem = f"its id {doc_id!r} is that of {first!r} already: rename one of them"
        if problem is not None:
            bad.add(name.encode(errors="replace").decode(), line, problem)
        else:
            title, body = titled(text, path)
            yield Document(doc_id=doc_id, title=title, text=body)


def titled(text: str, path: Path) -> tuple[str, str]:
    """Title and text of a file. A heading that opens the text is the title alone; a text file has no headings."""
    title = path.stem.strip()
    if path.suffix.lower() == ".txt":
        return title, text
    lines = text.splitlines(keepends=True)
    found = _heading(lines)
    if found is None:
        return title, text
    title, begin, end = found
    if not "".join(lines[:begin]).strip():
        text = "".join(lines[end:]).strip() or text
    return title, text


def _heading(lines: list[str]) -> tuple[str, int, int] | None:
    """The first heading that has words, and the lines it takes up (end excluded)."""
    fenced = False
    for i, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
        if fenced:
            continue
        found = _HEADING.fullmatch(line.rstrip("\r\n"))
        if found is not None and found["title"].strip():
            return found["title"].strip(), i, i + 1
        underlined = i + 1 < len(lines) and _UNDERLINE.fullmatch(lines[i + 1].rstrip("\r\n"))
        if underlined and line.strip() and not _UNDERLINE.fullmatch(line.rstrip("\r\n")):
            return line.strip(), i, i + 2
    return None


def _text(path: Path) -> tuple[str, int, str | None]:
    """The file's text, and in which line what is wrong with it."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return "", content[: error.start].count(b"\n") + 1, "not UTF-8: save the file as UTF-8"
    return text, 1, None if text.strip() else "the file is empty"

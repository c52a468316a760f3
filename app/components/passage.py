"""A document's title and text with its evidence marked. Quotes that do not stand in it are listed as such."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from data.records import Document, Evidence
from engine.explanation.evidence import locate

_SCRIPT = """
function pieces(element, segments) {
  element.replaceChildren(...segments.map(([text, marked]) => {
    const node = document.createElement(marked ? "mark" : "span");
    node.textContent = text;
    return node;
  }));
}

export default function ({ parentElement, data }) {
  const find = (name) => parentElement.querySelector("." + name);
  const body = find("body"), more = find("more"), missing = find("missing");
  pieces(find("title"), data.title);
  find("title").hidden = data.title.length === 0;
  pieces(body, data.body);
  missing.replaceChildren(...data.missing.map((quote) => {
    const line = document.createElement("div");
    line.textContent = "Not in the document: \\u201c" + quote + "\\u201d";
    return line;
  }));
  const open = (wanted) => {
    body.classList.toggle("clamped", data.lines > 0 && !wanted);
    more.setAttribute("aria-expanded", String(wanted));
    more.textContent = wanted ? "Show less" : "Show all";
  };
  const fit = () => {
    if (more.getAttribute("aria-expanded") === "false") {
      more.hidden = body.scrollHeight <= body.clientHeight + 2;
    }
  };
  body.style.setProperty("--lines", data.lines);
  open(data.lines === 0 || more.getAttribute("aria-expanded") === "true");
  more.hidden = data.lines === 0;
  more.onclick = () => open(more.getAttribute("aria-expanded") !== "true");
  fit();
  const watch = new ResizeObserver(fit);
  watch.observe(body);
  return () => watch.disconnect();
}
"""
_STYLE = """
:host { display: block; }
.title { font-weight: 600; margin-bottom: 0.2rem; }
.title, .body, .missing {
  color: var(--st-text-color); font-family: var(--st-font); font-size: var(--st-base-font-size);
  line-height: 1.5; overflow-wrap: anywhere; white-space: pre-wrap;
}
.title { white-space: normal; }
.clamped {
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: var(--lines); overflow: hidden;
}
mark {
  color: inherit; border-radius: 0.2rem; padding: 0.05em 0;
  background: var(--st-yellow-background-color); border-bottom: 2px solid var(--st-yellow-color);
}
.missing { color: var(--st-orange-text-color); font-size: 0.9em; }
.more {
  background: none; border: none; color: var(--st-link-color); cursor: pointer; font: inherit;
  font-family: var(--st-font); padding: 0.2rem 0; text-decoration: underline;
}
"""
_MARKUP = """
<div class="title"></div>
<div class="body"></div>
<button type="button" class="more" aria-expanded="false"></button>
<div class="missing"></div>
"""
_component = st.components.v2.component("whyrank_passage", html=_MARKUP, css=_STYLE, js=_SCRIPT)

Segment = tuple[str, bool]
"""(text, is it marked?)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A document cut at its marks."""

    title: tuple[Segment, ...]
    body: tuple[Segment, ...]
    missing: tuple[str, ...]
    """Quotes that stand neither in the text nor in the title."""


def draw(document: Document, evidence: Sequence[Evidence] = (), *, key: str, lines: int = 0) -> None:
    """Draw a document; at most `lines` lines until the reader asks for more, 0: all of it."""
    marked = mark(document, evidence)
    _component(
        key=key,
        data={
            "title": [list(segment) for segment in marked.title],
            "body": [list(segment) for segment in marked.body],
            "missing": list(marked.missing),
            "lines": lines,
        },
    )


def mark(document: Document, evidence: Sequence[Evidence]) -> Marked:
    """Cut title and text at the quotes found in them."""
    in_title = [locate(e.quote, document.title) for e in evidence if e.start_char is None]
    return Marked(
        title=segments(document.title, in_title),
        body=segments(document.text, evidence),
        missing=tuple(e.quote for e in in_title if e.start_char is None),
    )


def segments(text: str, evidence: Sequence[Evidence]) -> tuple[Segment, ...]:
    """The text in pieces, marked where a quote stands; quotes that overlap make one mark."""
    spans = sorted(
        (e.start_char, min(e.end_char, len(text)))
        for e in evidence
        if e.start_char is not None and e.end_char is not None
    )
    pieces: list[Segment] = []
    done = 0
    for start, end in spans:
        if end <= done:
            continue
        pieces.append((text[done : max(start, done)], False))
        pieces.append((text[max(start, done) : end], True))
        done = end
    pieces.append((text[done:], False))
    return _joined(pieces)


def _joined(pieces: Sequence[Segment]) -> tuple[Segment, ...]:
    """Without empty pieces, and with neighbours of one kind as one."""
    joined: list[Segment] = []
    for text, marked in pieces:
        if not text:
            continue
        if joined and joined[-1][1] == marked:
            joined[-1] = (joined[-1][0] + text, marked)
        else:
            joined.append((text, marked))
    return tuple(joined)

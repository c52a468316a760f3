"""An evaluation as an HTML page that stands alone: no script, nothing fetched, every text escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from app.actions import plots
from app.actions.evaluate import Shown
from app.actions.pictures import BLUE, GREY, ORANGE
from engine.evaluation import PRIMARY

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #8886; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { max-width: 100%; height: auto; } svg text { fill: currentColor; font-size: 12px; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem; }
"""
_WIDTH, _HEIGHT, _PAD = 640, 240, 40


def page(shown: Shown, title: str, highest: int) -> str:
    """The whole page; `highest`: the scale's best grade."""
    report = shown.report
    parts = [
        f"<h1>{escape(title)}</h1>",
        _facts(shown),
        "<h2>Measures</h2>",
        _measures(report),
        "<h2>The gate</h2>",
        _gate(shown),
        f"<h2>{PRIMARY} per query</h2>",
        _bars(plots.gains(report, {})),
        "<h2>Calibration</h2>",
        _calibration(report, highest),
        "<h2>Every query</h2>",
        _queries(shown),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _facts(shown: Shown) -> str:
    report = shown.report
    kappa, tokens = report["grade_kappa"], report.get("tokens_per_document")
    facts = {
        "Measured": f"{shown.record.created_at:%Y-%m-%d %H:%M:%S} UTC, with {report['labels']}",
        "System": f"{shown.version.name} by {report['method']}",
        "Against": shown.champion_then or "BM25 (this version was the champion itself)",
        "First stage": f"{report['retriever']}, {report['depth']} documents, weight {report['fusion_weight']:g}",
        "Queries": f"{report['queries']} held-out ones",
        "Looks at this set": f"{shown.looks}: each look wears it out",
        "Judged@10": f"{report['measures']['Judged@10']['system']:.1%}; what nobody labelled counts as not relevant",
        "Ties": f"{report['tie_rate']:.1%}",
        "Unreadable answers": f"{report['unreadable_rate']:.1%}",
        "Seconds per document": f"{report['seconds_per_document']:.3f}",
        **({} if tokens is None else {"Prompt tokens per document": f"{tokens:,.0f}"}),
        "Kappa with people": f"{kappa:.3f}" if kappa is not None else report["grade_kappa_note"],
    }
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items()) + "</dl>"


def _measures(report: Mapping[str, Any]) -> str:
    against = "BM25" if report["measures"][PRIMARY]["against"] == "bm25" else "champion"
    rows = [
        (
            name,
            _figure(measured["bm25"]),
            _figure(measured["champion"]),
            _figure(measured["system"]),
            f"{measured['difference']:+.4f}",
            "{:+.4f} to {:+.4f}".format(*measured["interval"]),
            f"{measured['p_value']:.3f}",
            f"{measured['wins']} / {measured['losses']}",
        )
        for name, measured in report["measures"].items()
    ]
    columns = ("Measure", "BM25", "Champion", "System", f"vs {against}", "95 % interval", "p", "Wins / losses")
    return _table(columns, rows, words=1)


def _gate(shown: Shown) -> str:
    if shown.champion_then is None:
        return "<p>Measured as the champion itself: the gate only judges what is to take its place.</p>"
    rows = [("holds" if c.passed else "fails", c.name, c.words) for c in shown.verdict.conditions]
    said = "lets this version pass" if shown.verdict.promote else "refuses this version"
    return f"<p>The gate {said}.</p>{_table(('', 'Condition', 'Figures'), rows, words=3)}"


def _queries(shown: Shown) -> str:
    with_champion = shown.report["measures"][PRIMARY]["champion"] is not None
    rows = [
        (
            query_id,
            shown.queries[query_id].text if query_id in shown.queries else "",
            _figure(scores["bm25"]),
            *([_figure(scores["champion"])] if with_champion else []),
            _figure(scores["system"]),
        )
        for query_id, scores in shown.report["per_query"][PRIMARY].items()
    ]
    return _table(("Query", "Text", "BM25", *(["Champion"] if with_champion else []), "System"), rows, words=2)


def _calibration(report: Mapping[str, Any], highest: int) -> str:
    points = plots.bins(report)
    if not points:
        return "<p>No labelled document was ranked.</p>"
    rows = [(f"{expected:.2f}", f"{labelled:.2f}", str(count)) for expected, labelled, count in points]
    table = _table(("Expected grade (model)", "Mean grade (people)", "Documents"), rows, words=0)
    return _diagonal(points, highest) + table


def _bars(gains: Sequence[tuple[str, str, float]]) -> str:
    """Per-query differences as bars around zero, the largest gain first."""
    largest = max((abs(gain) for *_, gain in gains), default=0.0) or 1.0
    width, middle = (_WIDTH - 2 * _PAD) / max(1, len(gains)), _HEIGHT / 2
    drawn = [_line(_PAD, middle, _WIDTH - _PAD, middle)]
    for place, (query_id, _, gain) in enumerate(gains):
        height = abs(gain) / largest * (middle - 20)
        top = middle - height if gain > 0 else middle
        colour = BLUE if gain > 0 else ORANGE
        drawn.append(
            f'<rect x="{_PAD + place * width:.1f}" y="{top:.1f}" width="{max(1.0, width - 2):.1f}" '
            f'height="{max(0.5, height):.1f}" fill="{colour}"><title>{escape(query_id)}: {gain:+.4f}</title></rect>'
        )
    drawn += [_words(2, 24, f"{largest:+.2f}"), _words(2, _HEIGHT - 14, f"{-largest:+.2f}")]
    return _svg(drawn, f"{PRIMARY}: system minus what it was held against, per query")


def _diagonal(points: Sequence[tuple[float, float, int]], highest: int) -> str:
    """Expected grades against people's, with the number of documents at each point."""

    def across(grade: float) -> float:
        return _PAD + grade / highest * (_WIDTH - 2 * _PAD)

    def down(grade: float) -> float:
        return _HEIGHT - 30 - grade / highest * (_HEIGHT - 60)

    drawn = [_line(across(0), down(0), across(highest), down(highest))]
    for expected, labelled, count in points:
        drawn.append(f'<circle cx="{across(expected):.1f}" cy="{down(labelled):.1f}" r="5" fill="{BLUE}"/>')
        drawn.append(_words(across(expected) + 8, down(labelled) - 8, str(count)))
    drawn += [_words(across(grade) - 4, _HEIGHT - 8, str(grade)) for grade in range(highest + 1)]
    drawn += [_words(8, down(grade) + 4, str(grade)) for grade in range(highest + 1)]
    return _svg(drawn, "Expected grade (across) against people's mean grade (up), with documents per bin")


def _svg(drawn: Iterable[str], about: str) -> str:
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" aria-label="{escape(about)}"'
    return f"<svg {box}>{''.join(drawn)}</svg><p>{escape(about)}.</p>"


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{GREY}" stroke-dasharray="4"/>'


def _words(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, words: int) -> str:
    """The first `words` columns hold words, the others figures."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}>{escape(cell)}</{tag}>" if place < words else f'<{tag} class="n">{escape(cell)}</{tag}>'
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', columns)}</tr></thead><tbody>{body}</tbody></table>"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"

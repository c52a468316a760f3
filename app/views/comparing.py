"""How systems side by side look: who is compared, figures over the queries, and one query as a slope chart with
reasons."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import state
from app.actions import beside as sides
from app.actions import plots
from app.actions.beside import Beside, Cell, Row
from app.actions.compare import Over, Overview, measure_rows, query_rows
from app.actions.systems import Kind, Making, Stocked, System
from app.components import passage
from app.views import charts, opinion
from app.views.plain import plain
from data.scales import Scale
from engine.comparison import Mean
from engine.evaluation import PRIMARY

LINES = 3
MOST = 4
"""Systems a slope chart can still be read with."""
NAMED = 8
"""Missing queries that are named in a line."""
_OVER = {Over.HELDOUT: "Held-out queries", Over.ALL: "All queries"}
_FIGURE = st.column_config.NumberColumn(format="%.4f")
_SIGNED = st.column_config.NumberColumn(format="%+.4f")


def choose(stocked: Stocked, opening: tuple[System, System], slot: str) -> list[System]:
    """Ask which systems: the one looked at, the one it is held against, and others beside them."""
    names = {system.system_id: system.title for system in stocked.systems}
    chosen = []
    columns = st.columns([3, 3, 4])
    for column, label, start in zip(columns, ("System", "Held against"), opening, strict=False):
        key = f"compare_{label.split()[0].lower()}:{slot}"
        state.settle(**{key: start.system_id})
        chosen.append(column.selectbox(label, list(names), format_func=names.__getitem__, key=key))
    others = [system_id for system_id in names if system_id not in chosen]
    more = columns[2].multiselect(
        "Beside them",
        others,
        format_func=names.__getitem__,
        key=f"compare_more:{slot}",
        max_selections=MOST - 2,
        placeholder="nothing else",
    )
    return [stocked.system(system_id) for system_id in [*chosen, *more]]


def way(stocked: Stocked, slot: str) -> tuple[Over, Making | None]:
    """Ask for the queries, and for one way of ranking."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    over = left.segmented_control(
        "Queries", list(_OVER), format_func=_OVER.__getitem__, default=Over.HELDOUT, key=f"compare_over:{slot}"
    )
    making = right.selectbox(
        "Rankings made with",
        [None, *stocked.makings],
        format_func=lambda made: made.words if made else "whatever was newest",
        key=f"compare_making:{slot}",
    )
    return over or Over.HELDOUT, making


def warnings(found: Overview) -> None:
    """What a reader of the figures must know, in one box."""
    if found.warnings:
        st.warning("\n\n".join(plain(warning, limit=400) for warning in found.warnings), icon=":material/warning:")
    made = {system.title: found.makings[system.system_id] for system in found.systems}
    if len({making for counts in made.values() for making in counts}) > 1:
        for title, counts in made.items():
            listed = "; ".join(f"{making.words}: {count} queries" for making, count in counts.most_common())
            if listed:
                st.caption(f"{plain(title)}: {plain(listed, limit=400)}")


def missing(found: Overview) -> None:
    """Which rankings are not there: those who lack the same queries in one sentence, all of them in one box."""
    lacking: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for system in found.systems:
        if absent := found.missing.get(system.system_id, ()):
            what = "grades of" if system.kind is Kind.GRADES else "ranking of"
            lacking.setdefault((what, absent), []).append(plain(system.title))
    said = [
        f"No {what} {len(absent)} queries that another one has: {', '.join(titles)} ({_named(absent)})."
        for (what, absent), titles in lacking.items()
    ]
    if said:
        st.info("\n\n".join([*said, "These queries are left out below."]), icon=":material/info:")


def _named(query_ids: Sequence[str]) -> str:
    named = ", ".join(query_ids[:NAMED])
    return plain(named + (f" and {len(query_ids) - NAMED} more" if len(query_ids) > NAMED else ""), limit=400)


def figures(found: Overview, key: str) -> None:
    """Measures of every system, and how far the two orders agree."""
    compared = found.comparison
    if compared is None:
        return
    primary: Mean | None = compared.measures.get(PRIMARY, {}).get(compared.system)
    difference = primary.difference if primary else None
    overlap = sum(compared.overlap.values()) / len(compared.overlap)
    tau = sum(compared.tau.values()) / len(compared.tau) if compared.tau else None
    with st.container(horizontal=True):
        labelled = f"{compared.labelled:,} of {len(found.queries):,}"
        st.metric("Labelled queries", labelled, border=True, width=200)
        if difference is not None:
            ties = compared.labelled - difference.wins - difference.losses
            words = f"{difference.wins} / {ties} / {difference.losses}"
            st.metric("Wins / ties / losses", words, border=True, width=200, help=f"By {PRIMARY}, query by query.")
        st.metric("Overlap@10", f"{overlap:.0%}", border=True, width=150, help="Of the first ten documents; mean.")
        shown = "–" if tau is None else f"{tau:.2f}"
        st.metric("Rank correlation", shown, border=True, width=190, help="Kendall's tau on shared documents; mean.")
    rows = measure_rows(found)
    if not rows:
        st.info(
            "No query here has people's labels, so there is nothing to measure; the orders can still be compared.",
            icon=":material/info:",
        )
        return
    st.dataframe(
        [_measure_row(row) for row in rows], hide_index=True, key=f"{key}:measures", column_config={"Mean": _FIGURE}
    )
    st.caption(
        f"Measured with {plain(found.labels.words, limit=300)}. Difference: to {plain(found.systems[1].title)}; "
        "intervals: 95 %, bootstrap over queries; p: paired randomization test. Documents nobody labelled count as "
        "not relevant; Judged@10 says how many were labelled."
    )


def _measure_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """As wide as a page is; the system that the others are held against has nothing to be held against."""
    shown = {name: row[name] for name in ("Measure", "System", "Mean", "95 % interval")}
    if row["Difference"] is None:
        return shown | {"Difference": "", "p": "", "W / T / L": ""}
    return shown | {
        "Difference": f"{row['Difference']:+.4f} ({row['its interval']})",
        "p": f"{row['p']:.3f}",
        "W / T / L": f"{row['Wins']} / {row['Ties']} / {row['Losses']}",
    }


def queries(found: Overview, key: str) -> str | None:
    """Every query's difference, largest gain first; the query to look at: picked in the chart, or chosen by name."""
    compared = found.comparison
    if compared is None:
        return None
    names = list(compared.measures) or [PRIMARY]
    name = st.selectbox("Differences by", names, key=f"{key}:by") if compared.measures else PRIMARY
    rows = query_rows(found, name)
    gains = [(row["Query"], row["Text"], row["Difference"]) for row in rows if row["Difference"] is not None]
    first, second = found.systems[:2]
    if gains:
        st.markdown(f"**{name} per query: {plain(first.title)} minus {plain(second.title)}.** Click a bar to open it.")
        place = charts.differences(gains, key=f"{key}:bars:{name}", y=f"Difference in {name}")
        picked = gains[place][0] if place is not None and place < len(gains) else ""
        if picked and picked != state.note_of(f"{key}:picked"):
            state.put(f"{key}:query", picked)
        state.note(f"{key}:picked", picked)
    with st.expander("Every query", icon=":material/table_rows:", key=f"{key}:table"):
        figures_of = dict.fromkeys((system.title for system in found.systems), _FIGURE)
        st.dataframe(
            rows,
            hide_index=True,
            key=f"{key}:rows",
            column_config={
                "Text": st.column_config.TextColumn(width="large"),
                "Difference": _SIGNED,
                "Overlap@10": st.column_config.NumberColumn(format="percent"),
                "Tau": st.column_config.NumberColumn(format="%.2f"),
                **figures_of,
            },
        )
    titles = {row["Query"]: _query_title(row["Query"], row["Text"], row["Difference"]) for row in rows}
    chosen: str | None = st.selectbox("Query", list(titles), format_func=titles.__getitem__, key=f"{key}:query")
    return chosen


def _query_title(query_id: str, text: str, difference: float | None) -> str:
    gain = "" if difference is None else f" ({difference:+.4f})"
    return f"{query_id}{gain}: {text}"


def slope(shown: Beside, scale: Scale, key: str) -> None:
    """The orders as columns, joined by lines; the system it is held against stands left."""
    st.text(shown.query.text)
    for system in shown.lacking:
        st.caption(f"{plain(system.title)} has no order of this query.")
    there = [system for system in shown.systems if system not in shown.lacking]
    if len(there) < 2:
        return
    columns = [there[1], there[0], *there[2:]]
    threads = [
        plots.Thread(
            title=row.document.title or row.document.text[:80],
            ranks=tuple(row.cells[system.system_id].rank for system in columns),
            words=tuple(_hover(row.cells[system.system_id], scale) for system in columns),
            symbol=_symbol(row.label, scale),
        )
        for row in shown.rows
    ]
    deepest = max((rank for thread in threads for rank in thread.ranks if rank), default=1)
    top = min(sides.TOP, deepest)
    figure = plots.slope([system.title for system in columns], threads, top=top)
    words = {"color": charts.ink(), "size": 13}
    charts.draw(
        figure.update_xaxes(tickfont=words).update_traces(textfont=words, selector={"mode": "text"}),
        key=f"{key}:slope",
        alt="Ranks of the documents in each system, joined by lines",
        height=70 + 34 * (top + 1),
    )
    st.caption(
        "Blue rises, orange falls, grey stays or stands on one side only; what is beneath the last rank is below the "
        f"first {sides.TOP}. Filled: people say relevant; crossed: not relevant; hollow: nobody labelled it."
    )


def _symbol(label: int | None, scale: Scale) -> str:
    if label is None:
        return "circle-open"
    return "circle" if label >= scale.relevant_from else "x"


def _hover(cell: Cell, scale: Scale) -> str:
    return f", grade {opinion.grade_words(cell.grade, scale)}" if cell.grade is not None else ""


def rows(shown: Beside, page: Sequence[Row], scale: Scale, key: str) -> None:
    """Documents with what each system makes of them; each leads to judging."""
    for row in page:
        doc_id = row.document.doc_id
        with st.container(border=True, key=f"{key}:row:{doc_id}"):
            quotes = [quote for cell in row.cells.values() for quote in cell.evidence]
            passage.draw(row.document, quotes, key=f"{key}:passage:{doc_id}", lines=LINES)
            with st.container(horizontal=True, vertical_alignment="center"):
                label = "nobody's label" if row.label is None else f"people: {opinion.grade_label(row.label, scale)}"
                st.caption(f"{plain(doc_id)} · {label}", width="content")
                st.page_link(
                    "screens/judge.py",
                    label="Judge this pair",
                    icon=":material/gavel:",
                    query_params={"query_id": shown.query.query_id, "doc_id": doc_id},
                )
            for column, system in zip(st.columns(len(shown.systems)), shown.systems, strict=True):
                if system.system_id in row.cells:
                    with column:
                        _cell(system, row.cells[system.system_id], scale)


def _cell(system: System, cell: Cell, scale: Scale) -> None:
    if cell.rank is None:
        st.markdown(f"**{plain(system.title)}**")
        st.caption("not in its order")
        return
    move = ""
    if cell.move:
        move = f" :green[▲ {cell.move}]" if cell.move > 0 else f" :red[▼ {-cell.move}]"
    st.markdown(f"**{plain(system.title)}**: rank {cell.rank}{move}")
    if cell.unreadable:
        st.caption(":orange[:material/warning: its answer could not be read: no grade]")
    elif cell.grade is not None:
        expected = "" if cell.expected is None else f", expected {cell.expected:.2f}"
        st.caption(f"grade {opinion.grade_label(cell.grade, scale)}{expected}")
    if cell.explanation:
        st.text(cell.explanation)
    elif system.kind in (Kind.RANKED, Kind.GRADES):
        st.caption("no explanation stored")

"""A model's probability of each grade as one bar, with the figures beneath it."""

from collections.abc import Mapping

import streamlit as st

from data.scales import Scale

_SCRIPT = """
export default function ({ parentElement, data }) {
  const bar = parentElement.querySelector(".bar"), figures = parentElement.querySelector(".figures");
  const shade = (i) => {
    const share = data.grades.length < 2 ? 100 : 18 + (82 * i) / (data.grades.length - 1);
    return `color-mix(in srgb, var(--st-primary-color) ${share}%, var(--st-background-color))`;
  };
  const percent = (p) => (p > 0 && p < 0.01 ? "<1" : String(Math.round(100 * p))) + " %";
  const parts = data.grades.map((grade, i) => {
    const part = document.createElement("div");
    part.style.width = 100 * grade.probability + "%";
    part.style.background = shade(i);
    part.title = `${grade.grade} ${grade.name}: ${percent(grade.probability)}`;
    return part;
  });
  bar.replaceChildren(...parts);
  bar.setAttribute("aria-label", data.grades.map((g) => `grade ${g.grade}: ${percent(g.probability)}`).join(", "));
  figures.replaceChildren(...data.grades.map((grade, i) => {
    const [figure, dot, text] = ["span", "i", "span"].map((name) => document.createElement(name));
    dot.style.background = shade(i);
    text.textContent = `${grade.grade}: ${percent(grade.probability)}`;
    if (grade.likeliest) text.className = "likeliest";
    figure.append(dot, text);
    return figure;
  }));
}
"""
_STYLE = """
.bar {
  display: flex; height: 0.8rem; border-radius: 0.4rem; overflow: hidden;
  border: 1px solid var(--st-border-color);
}
.figures {
  display: flex; flex-wrap: wrap; gap: 0 0.8rem; margin-top: 0.25rem; color: var(--st-text-color);
  font-family: var(--st-font); font-size: 0.8rem; font-variant-numeric: tabular-nums; opacity: 0.9;
}
.figures > span { display: inline-flex; align-items: center; gap: 0.3rem; }
.figures i {
  width: 0.6rem; height: 0.6rem; border-radius: 0.15rem; border: 1px solid var(--st-border-color);
}
.likeliest { font-weight: 700; }
"""
_MARKUP = """
<div class="bar" role="img"></div>
<div class="figures" aria-hidden="true"></div>
"""
_component = st.components.v2.component("whyrank_grade_bar", html=_MARKUP, css=_STYLE, js=_SCRIPT)


def draw(scale: Scale, probabilities: Mapping[int, float], *, key: str) -> None:
    """Draw the probabilities of one document's grades."""
    likeliest = max(probabilities.values())
    grades = [
        {
            "grade": level.grade,
            "name": level.name,
            "probability": probabilities.get(level.grade, 0.0),
            "likeliest": probabilities.get(level.grade) == likeliest,
        }
        for level in scale.levels
    ]
    _component(key=key, data={"grades": grades})

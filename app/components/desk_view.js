// What the desk shows, part by part. A part whose contents are as before is left alone, so that a selection, a focus or
// a half-written word survives whatever the server says meanwhile.

Object.assign(Desk.prototype, {
  once(name, value, draw) {
    const signature = JSON.stringify(value);
    if (this.signatures.get(name) === signature) return;
    this.signatures.set(name, signature);
    draw();
  },

  paint() {
    const { parts, item, data } = this;
    const now = item ? `${data.desk}:${item.n}` : null;
    if (now !== this.painted) {
      this.painted = now;
      this.shownSince = performance.now();
      this.hiddenFor = 0;
      this.signatures.delete("field");
      if (!this.list) parts.paper.scrollTop = 0;
      if (item && !this.list) window.requestAnimationFrame(() => parts.query.scrollIntoView({ block: "nearest" }));
      this.address(item);
    }
    parts.columns.hidden = this.list || !item;
    parts.rows.hidden = !this.list;
    this.paintEmpty(item);
    if (this.list) this.paintRows();
    else if (item) this.paintPair(item);
    this.paintLast();
    this.paintStatus();
  },

  // The pair in the address, so that a reload comes back to it; never a new entry of the browser's history.
  address(item) {
    const url = new URL(window.location.href);
    for (const name of ["query_id", "doc_id"]) {
      if (item && !this.list) url.searchParams.set(name, item[name]);
      else url.searchParams.delete(name);
    }
    window.history.replaceState(window.history.state, "", url);
  },

  historyOf(item) {
    const url = new URL("history", window.location.href);
    for (const [name, value] of new URL(window.location.href).searchParams) url.searchParams.set(name, value);
    for (const name of ["query_id", "doc_id"]) url.searchParams.set(name, item[name]);
    return make("a", "", "History", { href: url.href, target: "_blank", rel: "noopener" });
  },

  paintEmpty(item) {
    const { parts, data } = this;
    const waiting = !item && !(data.ended && this.at >= data.stop);
    const words = waiting
      ? "Waiting for the next pairs. Keys are not taken until one is here."
      : data.stop > 0 ? "That was the last pair of this queue." : data.nothing;
    parts.empty.hidden = Boolean(item) || (this.list && data.stop > 0);
    parts.empty.textContent = !waiting && data.elsewhere
      ? `${words} ${data.elsewhere} pair(s) are with other people now.`
      : words;
  },

  paintPair(item) {
    const { parts } = this;
    const mine = this.mine(item);
    this.witness(item);
    parts.reason.textContent = item.reason ? `Shown because: ${item.reason}` : "";
    parts.query.textContent = item.query;
    // What others said of it stands in its history: no way there before one has decided.
    const decided = ["judged", "cant-judge"].includes(mine?.status);
    this.once("about", [item.query_id, item.doc_id, item.text, decided], () => {
      parts.about.replaceChildren(make("bdi", "doc-id", item.doc_id));
      if (decided) parts.about.append(" \u00b7 ", this.historyOf(item));
      const hidden = (item.text.match(/[\u202a-\u202e\u2066-\u2069]/g) ?? []).length;
      if (hidden) parts.about.append(` \u00b7 ${hidden} invisible mark(s) that change the direction of writing`);
    });
    this.paintPaper(item, mine);
    this.paintGrades(mine);
    this.paintEditor(item);
    this.paintOthers(item, mine);
    this.paintRules();
  },

  paintPaper(item, mine) {
    const { parts } = this;
    const spans = this.draft(item).spans;
    const marks = [
      ...spans.map((span) => ({ span, kind: "own", who: "you" })),
      ...(mine?.quoted ?? []).map((span) => ({ span, kind: "own", who: "your explanation" })),
      ...(item.others ?? []).flatMap((one) => one.quoted.map((span) => ({ span, kind: one.kind, who: one.who }))),
    ];
    this.once("paper", [item.n, item.doc_id, item.text, item.length, marks], () => {
      const shown = pointsBefore(item.text, item.text.length);
      const placed = marks.map(({ span, kind, who }) => ({
        start: unitsBefore(item.text, span[0]), end: unitsBefore(item.text, span[1]), kind, who,
      }));
      parts.title.textContent = item.title;
      parts.title.hidden = !item.title;
      paintMarked(parts.body, item.text, placed.filter((mark) => mark.end > mark.start));
      const below = marks.filter(({ span }) => span[1] > shown).length;
      parts.more.hidden = shown >= item.length;
      parts.more.textContent = `These are the first ${shown.toLocaleString()} of ${item.length.toLocaleString()} characters`
        + `${below ? `, ${below} mark(s) stand further down` : ""}. Show more`;
    });
    const missing = mine?.missing ?? [];
    this.once("marks", [item.n, spans, missing], () => {
      const letters = [...item.text];
      const drawn = spans.map((span) => {
        const quote = letters.slice(span[0], span[1]).join("");
        const line = make("div", "marked");
        line.append(make("bdi", "", quote.length > 120 ? `${quote.slice(0, 119)}\u2026` : quote || "further down"));
        const drop = button("\u2715", "", () => this.unmark(span), "link");
        drop.setAttribute("aria-label", `Remove the mark: ${quote.slice(0, 80)}`);
        line.append(drop);
        return line;
      });
      const gone = missing.map((quote) => make("div", "missing", `You quote what is not in the document: \u201c${quote}\u201d`));
      parts.marks.replaceChildren(...drawn, ...gone);
    });
  },

  paintGrades(mine) {
    const { parts, data } = this;
    this.once("grades", [data.scale, mine?.grade ?? null, mine?.status ?? null], () => {
      parts.grades.replaceChildren(...data.scale.map((level) => {
        const one = button(level.name, String(level.grade), () => this.grade(level.grade), "grade");
        one.append(make("span", "definition", level.definition));
        one.setAttribute("aria-pressed", String(mine?.status === "judged" && mine.grade === level.grade));
        return one;
      }));
      const ways = [["Can't judge", "X", "cant-judge"], ["Later", "L", "later"], ["Skip", "S", "skip"]];
      parts.ways.replaceChildren(...ways.map(([label, key, kind]) => {
        const one = button(label, key, () => this.answer(kind));
        const status = { skip: "skipped" }[kind] ?? kind;
        one.setAttribute("aria-pressed", String(mine?.status === status));
        return one;
      }));
    });
  },

  paintEditor(item) {
    const { parts } = this;
    if (!item || this.list) return;
    const draft = this.draft(item), mine = this.mine(item), starts = this.startsOf(item);
    this.once("field", [item.n, draft.text], () => {
      if (parts.field.value !== draft.text) parts.field.value = draft.text;
    });
    this.once("starts", [item.n, starts, draft.started_from], () => {
      const names = starts.map((said) => {
        const one = button(`From the ${said.kind}`, "", () => this.begin(said), "small");
        one.setAttribute("aria-pressed", String(draft.started_from === said.event_id));
        one.title = said.who;
        return one;
      });
      parts.starts.replaceChildren(...names, ...(names.length ? [button("Empty", "", () => this.begin(null), "small")] : []));
    });
    const started = (item.others ?? []).find((said) => said.event_id === draft.started_from);
    const origin = draft.changed && started ? { who: started.who, text: started.explanation } : mine?.origin ?? null;
    const compared = origin && draft.text ? [origin.text, draft.text, origin.who] : null;
    this.once("difference", compared, () => {
      parts.difference.replaceChildren();
      if (!compared) return;
      const changes = make("div");
      paintDifference(changes, origin.text, draft.text);
      const head = make("div", "quiet", "Against the text of ");
      head.append(make("bdi", "", origin.who));
      if (origin.text.trim() === draft.text.trim()) head.append(" \u00b7 unchanged: a text you leave as it is, is not stored as yours");
      parts.difference.append(head, changes);
    });
    parts.save.disabled = !draft.changed;
    parts.editor.classList.toggle("changed", draft.changed);
  },

  paintOthers(item, mine) {
    const { parts, data } = this;
    this.once("others", [item.n, item.others, mine?.status ?? null, data.blind], () => {
      if (item.others === null) {
        const waiting = mine && ["judged", "cant-judge"].includes(mine.status);
        parts.others.replaceChildren(make("div", "quiet", waiting
          ? "What others say comes once your answer is saved."
          : "What models and other people say is shown once you have graded this pair."));
      } else if (!item.others.length) {
        parts.others.replaceChildren(make("div", "quiet", "Nobody else has judged this pair."));
      } else {
        parts.others.replaceChildren(...item.others.map((said) => opinion(data.scale, said)));
      }
    });
  },

  paintRules() {
    const { parts, data } = this;
    this.once("rules", [data.guidelines, data.guideline_version], () => {
      const words = data.guidelines || "This collection has no guidelines of its own: follow the definitions above.";
      parts.rules.replaceChildren(make("summary", "", `Guidelines, version ${data.guideline_version}`), make("div", "words", words));
      parts.rules.open = Boolean(data.guidelines);
    });
  },

  // What others said of the pair just graded: the one moment a blind assessor learns something.
  paintLast() {
    const { parts, data } = this;
    const item = this.lastPair === null || this.list ? null : this.cache.get(this.lastPair);
    const shown = item && item.n !== this.at && item.others?.length ? item : null;
    parts.last.hidden = !shown;
    this.once("last", shown && [shown.n, shown.others, this.mine(shown)], () => {
      if (!shown) return;
      this.witness(shown);
      const mine = this.mine(shown);
      parts.last.replaceChildren(
        make("span", "quiet", "Before: "), make("bdi", "", shown.doc_id), make("span", "quiet", " \u00b7 you "),
        make("strong", "", mine ? answerWords(data.scale, mine) : "nothing"), ...summary(data.scale, shown.others),
        make("span", "quiet", " \u00b7 P goes back"),
      );
    });
  },

  paintStatus() {
    const { parts, data } = this;
    const open = this.outbox.strokes.length, silent = Date.now() - Math.max(this.heardAt, this.outboxSince ?? 0);
    if (!open) this.outboxSince = null;
    else this.outboxSince ??= Date.now();
    let words = this.saved ? `saved at ${this.saved}` : "";
    if (open) words = `saving ${open} \u2026`;
    const late = open > 0 && silent > SILENCE && Date.now() - this.outboxSince > SILENCE;
    if (late) {
      const where = this.outbox.kept.lasting ? "kept in this browser" : "kept in this tab only (the browser stores nothing)";
      words = `not saved yet: ${open}. The server has not answered for ${Math.round(silent / 1000)} s; ${where} and sent again.`;
    }
    parts.status.classList.toggle("late", late);
    const whole = [this.said, words].filter(Boolean).join(" \u00b7 ");
    if (parts.status.textContent !== whole) parts.status.textContent = whole;
    const item = this.item, number = this.at + 1;
    parts.place.textContent = !item ? "end of the queue" : number < 1 ? "an earlier pair" : this.list
      ? `row ${number} of ${data.stop}` : `pair ${number}`;
    const { judged, today, left } = data.progress;
    parts.progress.textContent = `${judged.toLocaleString()} judged by you \u00b7 ${left.toLocaleString()} left in this ${this.list ? "list" : "queue"} \u00b7 ${today.toLocaleString()} today`;
    parts.meter.setAttribute("aria-valuemax", String(judged + left));
    parts.meter.setAttribute("aria-valuenow", String(judged));
    parts.meter.firstChild.style.width = `${judged + left ? (100 * judged) / (judged + left) : 100}%`;
    this.once("problems", this.problems, () => {
      const dismiss = button("Dismiss", "", () => {
        this.problems = [];
        this.paintStatus();
      }, "link");
      parts.problems.replaceChildren(...this.problems.map((words) => make("div", "", words)), ...(this.problems.length ? [dismiss] : []));
    });
  },

  paintRows() {
    const { parts, data } = this;
    const items = [...this.cache.values()].sort((a, b) => a.n - b.n);
    const seen = items.map((item) => [item, this.mine(item)]);
    for (const item of items) this.witness(item);
    this.once("rows", [data.scale, seen, this.at], () => {
      parts.rows.replaceChildren(...seen.map(([item, mine]) => this.row(item, mine)));
      parts.rows.querySelector(".current")?.scrollIntoView({ block: "nearest" });
    });
  },

  row(item, mine) {
    const { data } = this;
    const current = item.n === this.at;
    const row = make("div", `row${current ? " current" : ""}${item.locked ? " locked" : ""}`, null, { role: "listitem" });
    if (current) row.setAttribute("aria-current", "true");
    const text = make("div", "text");
    if (item.title) text.append(make("div", "title", item.title));
    text.append(make("div", "body", item.text.slice(0, current ? 4000 : 600), { dir: "auto" }));
    const about = make("div", "about quiet");
    about.append(make("bdi", "doc-id", item.doc_id));
    if (item.locked) about.append(" \u00b7 somebody else is judging this one");
    if (mine) about.append(make("strong", "", ` \u00b7 you ${answerWords(data.scale, mine)}`));
    if (item.others?.length) about.append(...summary(data.scale, item.others));
    text.append(about);
    const grades = make("div", "grades", null, { role: "group", "aria-label": `Grades of ${item.doc_id}` });
    grades.append(...data.scale.map((level) => {
      const one = button("", String(level.grade), () => {
        this.at = item.n;
        this.grade(level.grade);
      }, "grade");
      one.title = level.name;
      one.setAttribute("aria-label", `${level.grade} ${level.name}`);
      one.setAttribute("aria-pressed", String(mine?.status === "judged" && mine.grade === level.grade));
      one.disabled = Boolean(item.locked);
      return one;
    }));
    text.addEventListener("click", () => {
      if (item.n === this.at) return;
      this.at = item.n;
      this.paint();
      this.pump();
    });
    row.append(text, grades);
    return row;
  },
});

// The desk: it paints one pair (or a list of them), turns keys into strokes, and goes on at once. The server hears of
// every stroke in order, one message at a time, and a stroke is only called saved when the server has said so.

const SILENCE = 3000; // ms without an answer before the page says so
const TRIES = [4000, 8000, 15000]; // ms until a message is sent again
const BEAT = 100000; // ms between signs of life that keep the pairs leased
const CACHED = 120; // items kept

const instances = new WeakMap();

const typingIn = (event) => {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return null;
  if (target.isContentEditable || target.matches("textarea, select")) return target;
  return target.matches("input:not([type=radio]):not([type=checkbox]):not([type=button]):not([type=range])") ? target : null;
};

class Desk {
  constructor(parent) {
    this.parent = parent;
    this.at = 0;
    this.cache = new Map();
    this.line = 0;
    this.toldAt = null;
    this.beat = Date.now();
    this.tries = 0;
    this.inFlight = false;
    this.unsent = false;
    this.sentAt = Date.now();
    this.heardAt = Date.now();
    this.saved = "";
    this.said = "";
    this.problems = [];
    this.lastPair = null;
    this.wantedMore = null;
    this.painted = null;
    this.shownSince = 0;
    this.hiddenFor = 0;
    this.hiddenSince = null;
    this.signatures = new Map();
    const act = Object.fromEntries(
      ["undo", "previous", "next", "help", "more", "mark", "typed", "explain"].map((name) => [name, () => this[name]()]),
    );
    this.parts = skeleton(parent.querySelector(".desk"), act);
    this.onKey = (event) => this.key(event);
    this.onFocus = () => this.wake();
    this.onSelect = () => this.selecting();
    this.onVisible = () => this.visible();
    document.addEventListener("keydown", this.onKey, true);
    document.addEventListener("focusin", this.onFocus);
    document.addEventListener("focusout", this.onFocus);
    document.addEventListener("selectionchange", this.onSelect);
    document.addEventListener("visibilitychange", this.onVisible);
    this.timer = window.setInterval(() => this.tick(), 500);
  }

  leave() {
    document.removeEventListener("keydown", this.onKey, true);
    document.removeEventListener("focusin", this.onFocus);
    document.removeEventListener("focusout", this.onFocus);
    document.removeEventListener("selectionchange", this.onSelect);
    document.removeEventListener("visibilitychange", this.onVisible);
    window.clearInterval(this.timer);
  }

  // ---------------------------------------------------------------------------------------------- from the server
  receive(data, send) {
    this.send = send;
    const fresh = !this.data || this.data.desk !== data.desk;
    const owner = `${data.collection_id}:${data.assessor_id}`;
    if (this.owner !== owner) {
      this.owner = owner;
      this.outbox = new Outbox(owner);
      this.unsent = this.outbox.strokes.length > 0;
      this.saved = this.said = "";
    }
    this.data = data;
    if (fresh) {
      this.at = this.toldAt = data.at;
      this.cache.clear();
      this.lastPair = this.painted = null;
      this.inFlight = false;
      this.problems = data.problem ? [data.problem] : [];
    }
    if (data.heard >= this.beat) {
      this.inFlight = false;
      this.tries = 0;
      this.heardAt = Date.now();
    }
    for (const item of data.items) this.take(item);
    if (fresh && !this.list) this.passAnswered();
    this.hear(data.answers);
    this.extend(data.more);
    for (const n of this.cache.keys()) if (Math.abs(n - this.at) > CACHED) this.cache.delete(n);
    this.paint();
    this.pump();
  }

  // After a reload the queue may begin with pairs whose answers are still on their way.
  passAnswered() {
    const answered = new Set(this.outbox.strokes.filter((one) => one.kind !== "undo").map(pairOf));
    while (this.item && answered.has(pairOf(this.item)) && this.at < this.data.stop) this.at += 1;
  }

  // What was loaded of a long document stays when the item comes again.
  take(item) {
    const before = this.cache.get(item.n);
    if (before && before.doc_id === item.doc_id && before.text.length > item.text.length) item.text = before.text;
    this.cache.set(item.n, item);
  }

  extend(more) {
    if (!more || !this.wantedMore || more.start !== this.wantedMore.start || more.doc_id !== this.wantedMore.doc_id) return;
    this.wantedMore = null;
    for (const item of this.cache.values()) {
      if (item.doc_id === more.doc_id && pointsBefore(item.text, item.text.length) === more.start) item.text += more.text;
    }
  }

  hear(answers) {
    const done = [];
    for (const answer of answers) {
      const stroke = this.outbox.strokes.find((one) => one.event_id === answer.event_id);
      if (!stroke) continue;
      if (answer.final) done.push(answer.event_id);
      if (answer.saved) {
        this.saved = answer.at;
        this.said = answer.words;
        const pair = pairOf(stroke);
        const draft = this.outbox.draft(pair);
        if (draft && stroke.kind === "grade" && draft.text === stroke.text && same(draft.spans, stroke.spans)) {
          this.outbox.keepDraft(pair, null);
        }
        if (stroke.kind === "undo" && answer.n !== null && answer.n !== undefined && stroke.n === null) this.at = answer.n;
      } else if (answer.final && stroke.kind === "undo") {
        this.said = answer.words;
      } else {
        this.complain(answer.words);
      }
    }
    this.outbox.forget(done);
  }

  // ------------------------------------------------------------------------------------------------ to the server
  pump() {
    if (this.inFlight || !this.send) return;
    if (this.unsent || this.at !== this.toldAt || this.wantedMore) this.post();
  }

  post() {
    this.beat += 1;
    this.toldAt = this.at;
    this.unsent = false;
    this.inFlight = true;
    this.sentAt = Date.now();
    this.outbox.merge();
    this.send({
      desk: this.data.desk, at: this.at, beat: this.beat, outbox: this.outbox.strokes.slice(0, 500), more: this.wantedMore,
    });
  }

  tick() {
    if (!this.parent.isConnected) {
      this.leave();
      return;
    }
    const waited = Date.now() - this.sentAt;
    if (this.inFlight && waited > TRIES[Math.min(this.tries, TRIES.length - 1)]) {
      this.tries += 1;
      this.post();
    } else if (!this.inFlight && this.outbox.strokes.length && waited > TRIES[0]) {
      this.post(); // the server had something against it, and may not have it now
    } else if (!this.inFlight && waited > BEAT && !document.hidden) {
      this.post();
    }
    this.paintStatus();
  }

  // --------------------------------------------------------------------------------------------------------- state
  get item() {
    return this.cache.get(this.at) ?? null;
  }

  get list() {
    return this.data.view === "list";
  }

  // What this person says of the pair, with what the server has not heard yet.
  mine(item) {
    let base = item.mine;
    const stack = [];
    for (const stroke of this.outbox.strokes) {
      if (pairOf(stroke) !== pairOf(item)) continue;
      if (stroke.kind !== "undo") {
        const status = { grade: "judged", skip: "skipped", later: "later" }[stroke.kind] ?? stroke.kind;
        stack.push({ event_id: stroke.event_id, status, grade: stroke.grade, explanation: stroke.text, spans: stroke.spans });
      } else if (stack.some((one) => one.event_id === stroke.undoes)) {
        stack.splice(stack.findIndex((one) => one.event_id === stroke.undoes), 1);
      } else if (base && base.event_id === stroke.undoes) {
        base = null;
      }
    }
    const last = stack[stack.length - 1];
    return last ? { quoted: [], missing: [], origin: null, ...last } : base;
  }

  draft(item) {
    const kept = this.outbox.draft(pairOf(item));
    if (kept) return { changed: true, ...kept };
    const mine = this.mine(item);
    return { changed: false, text: mine?.explanation ?? "", spans: mine?.spans ?? [], started_from: null };
  }

  change(changes) {
    const item = this.item;
    if (!item) return;
    const { text, spans, started_from } = { ...this.draft(item), ...changes };
    const mine = this.mine(item);
    const nothing = !text && !spans.length && !mine;
    this.outbox.keepDraft(pairOf(item), nothing ? null : { text, spans, started_from });
  }

  // Was a model's answer to this pair on the screen, now or before?
  seen(pair, add = false) {
    const key = `whyrank:${this.owner}:seen`;
    try {
      const pairs = JSON.parse(window.sessionStorage.getItem(key) ?? "[]");
      if (add && !pairs.includes(pair)) window.sessionStorage.setItem(key, JSON.stringify([...pairs, pair].slice(-2000)));
      return pairs.includes(pair);
    } catch {
      this.seenPairs ??= new Set();
      if (add) this.seenPairs.add(pair);
      return this.seenPairs.has(pair);
    }
  }

  witness(item) {
    if (item.others?.some((one) => one.kind !== "human")) this.seen(pairOf(item), true);
  }

  // ------------------------------------------------------------------------------------------------------- strokes
  stroke(kind, more = {}) {
    const item = this.item;
    if (!item) {
      this.note("That key was not taken: no pair was on the screen.");
      return false;
    }
    if (item.locked) {
      this.note("That key was not taken: somebody else is judging this pair.");
      return false;
    }
    const draft = this.draft(item);
    const seconds = Math.max(0, (performance.now() - this.shownSince - this.hiddenFor) / 1000);
    this.outbox.add({
      kind, query_id: item.query_id, doc_id: item.doc_id, grade: null, text: kind === "grade" ? draft.text : "",
      started_from: draft.started_from, spans: kind === "grade" ? draft.spans : [], seconds: Math.round(seconds * 100) / 100,
      model_visible: this.seen(pairOf(item)), guideline_version: this.data.guideline_version, undoes: null, ...more,
    });
    this.unsent = true;
    this.said = "";
    return true;
  }

  answer(kind, grade = null) {
    const item = this.item;
    if (!this.stroke(kind, { grade })) return;
    this.lastPair = item.n;
    this.next();
  }

  grade(grade) {
    if (this.data.scale.some((level) => level.grade === grade)) this.answer("grade", grade);
    else this.note(`There is no grade ${grade} on this scale.`);
  }

  explain() {
    const item = this.item;
    if (!item) return this.note("That key was not taken: no pair was on the screen.");
    const grade = this.mine(item)?.grade ?? null;
    this.parts.field.blur();
    if (grade === null) return this.note("Your text is kept. Give the grade now: it is saved together with it.");
    return this.answer("grade", grade);
  }

  undo() {
    const undone = new Set(this.outbox.strokes.filter((one) => one.kind === "undo").map((one) => one.undoes));
    const known = new Set(this.data.undoable.map((one) => one.event_id));
    const own = this.outbox.strokes.filter((one) => one.kind !== "undo" && !known.has(one.event_id));
    const target = [...this.data.undoable, ...own].filter((one) => !undone.has(one.event_id)).pop();
    if (!target) return this.note("nothing is left to take back");
    const place = [...this.cache.values()].filter((item) => pairOf(item) === pairOf(target)).map((item) => item.n).pop();
    const n = place ?? target.n ?? null;
    this.outbox.add({
      kind: "undo", query_id: target.query_id, doc_id: target.doc_id, undoes: target.event_id, n, grade: null,
    });
    this.unsent = true;
    this.said = "";
    if (n !== null) this.at = n;
    this.lastPair = null;
    this.paint();
    return this.pump();
  }

  next() {
    if (this.at < this.data.stop) this.at += 1;
    this.paint();
    this.pump();
  }

  previous() {
    if (this.at > this.data.first) this.at -= 1;
    else this.note("Nothing is before this pair.");
    this.paint();
    this.pump();
  }

  more() {
    const item = this.item;
    if (!item) return;
    this.wantedMore = { doc_id: item.doc_id, start: pointsBefore(item.text, item.text.length) };
    this.pump();
  }

  help() {
    const sheet = this.parts.sheet;
    if (sheet.open) sheet.close();
    else sheet.showModal();
  }

  typed() {
    this.change({ text: this.parts.field.value });
    this.paintEditor(this.item);
    this.paintStatus();
  }

  begin(said) {
    this.change(said ? { text: said.explanation, started_from: said.event_id } : { text: "", started_from: null });
    this.signatures.delete("field");
    this.paintEditor(this.item);
    this.parts.field.focus();
  }

  edit() {
    const item = this.item;
    if (!item) return this.note("That key was not taken: no pair was on the screen.");
    if (this.list) return this.note("Explanations are edited one pair at a time: choose Pairs.");
    const first = this.startsOf(item)[0];
    if (!this.draft(item).text && first) return this.begin(first);
    return this.parts.field.focus();
  }

  startsOf(item) {
    const explained = (item.others ?? []).filter((one) => one.explanation && one.kind !== "human");
    return ["student", "teacher"].map((kind) => explained.filter((one) => one.kind === kind).pop()).filter(Boolean);
  }

  mark() {
    const item = this.item, found = item && !this.list && selectedIn(this.parts.body);
    if (!found) return this.note("Select a passage of the document first, then press M.");
    const span = found.map((units) => pointsBefore(item.text, units));
    const spans = this.draft(item).spans;
    if (!spans.some((one) => same(one, span))) this.change({ spans: [...spans, span].sort((a, b) => a[0] - b[0]) });
    document.getSelection()?.removeAllRanges();
    this.paint();
    return this.note("Marked. It is saved with the grade, or with Ctrl+Enter.");
  }

  unmark(span) {
    this.change({ spans: this.draft(this.item).spans.filter((one) => !same(one, span)) });
    this.paint();
  }

  // ---------------------------------------------------------------------------------------------------------- keys
  key(event) {
    if (!this.parent.isConnected || event.isComposing || event.defaultPrevented) return;
    const field = typingIn(event), own = field === this.parts.field;
    const enter = event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey;
    if (enter && (own || !field)) return this.taken(event, () => this.explain());
    if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
    if (event.key === "Escape" && own) return this.taken(event, () => this.parts.paper.focus());
    if (event.key === "Escape" && this.parts.sheet.open) return this.taken(event, () => this.help());
    if (event.key === "Escape" && field) field.blur();
    if (field) return undefined;
    const does = this.meaning(event.key);
    if (!does) return undefined;
    if (this.parts.sheet.open && event.key.toLowerCase() !== "h") this.help();
    if (event.repeat && !"npjk".includes(event.key.toLowerCase()) && !event.key.startsWith("Arrow")) {
      return this.taken(event, () => this.note("A key that is held down counts once."));
    }
    return this.taken(event, does);
  }

  taken(event, does) {
    event.preventDefault();
    event.stopPropagation();
    does();
  }

  meaning(key) {
    if (/^[0-9]$/.test(key)) return () => this.grade(Number(key));
    if (this.list && ["ArrowDown", "j", "J"].includes(key)) return () => this.next();
    if (this.list && ["ArrowUp", "k", "K"].includes(key)) return () => this.previous();
    return {
      n: () => this.next(), p: () => this.previous(), u: () => this.undo(), s: () => this.answer("skip"),
      l: () => this.answer("later"), x: () => this.answer("cant-judge"), e: () => this.edit(), m: () => this.mark(),
      h: () => this.help(),
    }[key.toLowerCase()];
  }

  wake() {
    const active = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement;
    const typing = active instanceof HTMLElement && active !== document.body && typingIn({ composedPath: () => [active] });
    this.parts.asleep.classList.toggle("shown", Boolean(typing));
  }

  selecting() {
    const there = Boolean(this.item && !this.list && selectedIn(this.parts.body));
    this.parts.marking.classList.toggle("shown", there);
  }

  visible() {
    if (document.hidden) this.hiddenSince = performance.now();
    else if (this.hiddenSince !== null) {
      this.hiddenFor += performance.now() - this.hiddenSince;
      this.hiddenSince = null;
    }
  }

  note(words) {
    this.said = words;
    this.paintStatus();
  }

  complain(words) {
    if (words && !this.problems.includes(words)) this.problems = [...this.problems, words].slice(-5);
  }
}

const pairOf = (one) => JSON.stringify([one.query_id, one.doc_id]);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export default function ({ parentElement, data, setStateValue }) {
  let desk = instances.get(parentElement);
  if (!desk) instances.set(parentElement, (desk = new Desk(parentElement)));
  desk.receive(data, (message) => setStateValue("sent", message));
  // No key may fall between two runs of the script: the desk leaves when its place on the page is gone.
  return () => undefined;
}

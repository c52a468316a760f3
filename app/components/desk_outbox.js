// What the browser keeps until the server has it: answers in the order of their keys, and drafts of explanations.
// Both lie in localStorage under the collection and the assessor, so a reload or a closed tab loses nothing.

class Kept {
  constructor(owner) {
    this.owner = owner;
    this.memory = new Map();
    this.lasting = true;
  }

  read(name) {
    try {
      const text = window.localStorage.getItem(`whyrank:${this.owner}:${name}`);
      return text === null ? null : JSON.parse(text);
    } catch {
      this.lasting = false;
      return this.memory.get(name) ?? null;
    }
  }

  // Memory stands in where the browser keeps nothing (private mode, a full disk); the page says so then.
  write(name, value) {
    this.memory.set(name, value);
    try {
      const key = `whyrank:${this.owner}:${name}`;
      if (value === null) window.localStorage.removeItem(key);
      else window.localStorage.setItem(key, JSON.stringify(value));
    } catch {
      this.lasting = false;
    }
  }
}

class Outbox {
  constructor(owner) {
    this.kept = new Kept(owner);
    this.strokes = [];
    this.merge();
  }

  // Another tab of the same person writes to the same place: what it left behind is sent from here too. The server
  // knows each stroke by its id, so being told twice does no harm.
  merge() {
    const known = new Set(this.strokes.map((stroke) => stroke.event_id));
    for (const stroke of this.kept.read("outbox") ?? []) {
      if (!known.has(stroke.event_id)) this.strokes.push(stroke);
    }
    this.strokes.sort((a, b) => a.seq - b.seq);
  }

  add(stroke) {
    this.merge();
    const last = Math.max(this.kept.read("seq") ?? 0, ...this.strokes.map((s) => s.seq));
    const whole = { ...stroke, seq: last + 1, event_id: newId() };
    this.strokes.push(whole);
    this.kept.write("seq", whole.seq);
    this.kept.write("outbox", this.strokes);
    return whole;
  }

  forget(eventIds) {
    const gone = new Set(eventIds);
    if (!gone.size) return;
    this.merge();
    this.strokes = this.strokes.filter((stroke) => !gone.has(stroke.event_id));
    this.kept.write("outbox", this.strokes.length ? this.strokes : null);
  }

  draft(pair) {
    return this.kept.read(`draft:${pair}`);
  }

  keepDraft(pair, draft) {
    this.kept.write(`draft:${pair}`, draft);
  }
}

// As `crypto.randomUUID`, which plain http on another host does not have.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

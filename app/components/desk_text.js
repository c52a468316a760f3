// Offsets, marks and differences of texts: pure functions. The server counts characters (code points), the browser
// UTF-16 units: every offset that comes or goes is converted here.

function pointsBefore(text, units) {
  let points = 0;
  for (const _ of text.slice(0, units)) points += 1;
  return points;
}

function unitsBefore(text, points) {
  if (!/[\ud800-\udbff]/.test(text)) return Math.min(points, text.length);
  let units = 0;
  for (const character of text) {
    if (points <= 0) break;
    units += character.length;
    points -= 1;
  }
  return units;
}

// Cut a text at its marks. Marks: [{start, end, kind, who}] in UTF-16 units; they may overlap.
function segments(text, marks) {
  const cuts = new Set([0, text.length]);
  for (const mark of marks) {
    if (mark.start < text.length) cuts.add(mark.start);
    cuts.add(Math.min(mark.end, text.length));
  }
  const places = [...cuts].sort((a, b) => a - b);
  const pieces = [];
  for (let i = 0; i + 1 < places.length; i += 1) {
    const [start, end] = [places[i], places[i + 1]];
    pieces.push({
      text: text.slice(start, end),
      marks: marks.filter((mark) => mark.start <= start && mark.end >= end),
    });
  }
  return pieces;
}

const MOST_WORDS = 1500;

// Word-level difference: [{text, kind}] with kind "same", "gone" (of `before`) or "new" (of `after`); null where a text
// is too long to compare while typing. Longest common subsequence of words.
function difference(before, after) {
  const a = before.split(/\s+/).filter(Boolean), b = after.split(/\s+/).filter(Boolean);
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return null;
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j]
        ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const pieces = [];
  const say = (kind, word) => {
    const last = pieces[pieces.length - 1];
    if (last && last.kind === kind) last.text += " " + word;
    else pieces.push({ kind, text: word });
  };
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      say("same", a[i]);
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      say("gone", a[i]);
      i += 1;
    } else {
      say("new", b[j]);
      j += 1;
    }
  }
  return pieces;
}

// What is selected inside an element, as [start, end] in UTF-16 units of its text without surrounding space; null
// where nothing is. A selection inside a shadow root is told by each browser in its own way.
function selectedIn(element) {
  const root = element.getRootNode();
  const selection = root.getSelection ? root.getSelection() : document.getSelection();
  if (!selection) return null;
  let range = null;
  if (selection.getComposedRanges && root instanceof ShadowRoot) {
    const found = selection.getComposedRanges({ shadowRoots: [root] })[0];
    if (found) {
      range = document.createRange();
      range.setStart(found.startContainer, found.startOffset);
      range.setEnd(found.endContainer, found.endOffset);
    }
  } else if (selection.rangeCount) {
    range = selection.getRangeAt(0);
  }
  if (!range || range.collapsed || !range.intersectsNode(element)) return null;
  const within = document.createRange();
  within.selectNodeContents(element);
  if (element.contains(range.startContainer)) within.setStart(range.startContainer, range.startOffset);
  if (element.contains(range.endContainer)) within.setEnd(range.endContainer, range.endOffset);
  const before = document.createRange();
  before.selectNodeContents(element);
  before.setEnd(within.startContainer, within.startOffset);
  const text = within.toString();
  const start = before.toString().length + text.length - text.trimStart().length;
  const end = start + text.trim().length;
  return end > start ? [start, end] : null;
}

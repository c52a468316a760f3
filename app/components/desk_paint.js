// Drawing only: elements out of texts. Every text of a document, model or person goes in by textContent.

const STATUS = {
  judged: "judged", "cant-judge": "can't judge", skipped: "skipped", later: "put off", unreadable: "could not be read",
  withdrawn: "taken back",
};

function make(tag, name = "", text = null, attributes = {}) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== null) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function button(label, key, act, name = "") {
  const element = make("button", name, null, { type: "button" });
  element.append(make("span", "", label));
  if (key) element.append(make("kbd", "", key));
  element.addEventListener("click", act);
  return element;
}

function gradeWords(scale, grade) {
  const level = scale.find((one) => one.grade === grade);
  return level ? `${grade} ${level.name}` : String(grade);
}

function answerWords(scale, said) {
  return said.grade === null || said.grade === undefined ? STATUS[said.status] ?? said.status : gradeWords(scale, said.grade);
}

// Draw a text with its marks into an element.
function paintMarked(element, text, marks) {
  element.replaceChildren(...segments(text, marks).map((piece) => {
    if (!piece.marks.length) return document.createTextNode(piece.text);
    const kinds = new Set(piece.marks.map((mark) => mark.kind));
    const who = [...new Set(piece.marks.map((mark) => mark.who))].join(", ");
    const name = ["own", "student", "teacher", "human"].filter((kind) => kinds.has(kind)).join(" ");
    return make("mark", name, piece.text, { title: `marked by ${who}` });
  }));
}

function paintDifference(element, before, after) {
  const pieces = difference(before, after);
  if (pieces === null) {
    element.replaceChildren(make("span", "quiet", "The texts are too long to be compared word by word."));
    return;
  }
  const tags = { same: "span", gone: "del", new: "ins" };
  element.replaceChildren(...pieces.flatMap((piece) => [make(tags[piece.kind], "", piece.text), " "]));
}

// What one other assessor says.
function opinion(scale, said) {
  const block = make("div", `opinion ${said.kind}`);
  const head = make("div", "who");
  head.append(make("bdi", "", said.who), make("span", "quiet", ` ${said.kind} · `), make("strong", "", answerWords(scale, said)));
  block.append(head);
  if (said.explanation) block.append(make("div", "words", said.explanation));
  for (const quote of said.missing) {
    const line = make("div", "missing", "Not in the document: ");
    line.append(make("bdi", "", `\u201c${quote}\u201d`));
    block.append(line);
  }
  if (said.note) block.append(make("div", "quiet", said.note));
  return block;
}

// What others said of a pair, in one line.
function summary(scale, said) {
  return said.flatMap((one) => [
    make("span", "quiet", ` · ${one.kind} `), make("bdi", "", one.who), make("strong", "", ` ${answerWords(scale, one)}`),
  ]);
}

// Everything there is on the page, once: later only the insides change.
function skeleton(root, act) {
  const parts = {};
  const put = (name, element) => {
    parts[name] = element;
    return element;
  };
  const bar = make("div", "bar");
  bar.append(
    put("undo", button("Undo", "U", act.undo)),
    put("previous", button("Previous", "P", act.previous)),
    put("next", button("Next", "N", act.next)),
    put("place", make("span", "place quiet")),
    put("status", make("span", "status", "", { role: "status" })),
    put("asleep", make("span", "asleep", "Keys sleep while the cursor is in a text field: Esc wakes them.")),
    put("help", button("Keys", "H", act.help, "end")),
  );
  const meter = put("meter", make("div", "meter", null, { role: "progressbar", "aria-valuemin": "0", "aria-label": "Judged" }));
  meter.append(make("div", "done"));
  const left = make("div", "left");
  const paper = put("paper", make("div", "paper", null, { role: "region", "aria-label": "Document", tabindex: "0" }));
  paper.append(put("title", make("div", "title")), put("body", make("div", "body", null, { dir: "auto" })), put("more", button("", "", act.more, "link")));
  left.append(
    put("reason", make("div", "reason quiet")),
    put("query", make("h2", "query", null, { dir: "auto" })),
    paper,
    put("about", make("div", "about quiet")),
    put("marking", button("Mark as evidence", "M", act.mark, "marking")),
    put("marks", make("div", "marks")),
  );
  const right = make("div", "right");
  right.append(
    put("grades", make("div", "grades", null, { role: "group", "aria-label": "Grades" })),
    put("ways", make("div", "ways", null, { role: "group", "aria-label": "Other answers" })),
    editor(put, act),
    put("others", make("div", "others")),
    put("rules", make("details", "rules")),
  );
  const columns = put("columns", make("div", "columns"));
  columns.append(left, right);
  root.replaceChildren(
    bar, meter, put("progress", make("div", "progress quiet")), put("problems", make("div", "problems", null, { role: "alert" })),
    put("last", make("div", "last")), columns, put("rows", make("div", "rows", null, { role: "list", "aria-label": "Documents" })),
    put("empty", make("div", "empty")), put("sheet", helpSheet(act)),
  );
  return parts;
}

function editor(put, act) {
  const box = put("editor", make("div", "editor"));
  const head = make("div", "head");
  head.append(make("label", "", "Your explanation", { for: "explanation" }), put("starts", make("div", "starts")));
  const field = put("field", make("textarea", "", null, {
    id: "explanation", rows: "4", maxlength: "20000", placeholder: 'Why this grade? Quote the document in "double quotes".',
  }));
  field.addEventListener("input", act.typed);
  box.append(head, field, put("difference", make("div", "difference", null, { role: "group", "aria-label": "Changes" })), put("save", button("Save text, go on", "Ctrl+Enter", act.explain)));
  return box;
}

const KEYS = [
  ["0 \u2026 9", "give that grade and go on"], ["Ctrl+Enter", "save the explanation and go on"], ["N  P", "next, previous"],
  ["U", "undo the newest answer"], ["S", "skip"], ["L", "later: put it off"], ["X", "can't judge"],
  ["E", "edit the explanation, from a model's text where one is shown"], ["M", "mark the selected text as evidence"],
  ["J  K  \u2193  \u2191", "in the list: down, up"], ["Esc", "leave the text field, close this"], ["H", "this help"],
];

function helpSheet(act) {
  const sheet = make("dialog", "sheet", null, { "aria-label": "Keys" });
  const table = make("dl");
  for (const [key, does] of KEYS) table.append(make("dt", "", key), make("dd", "", does));
  sheet.append(make("h2", "", "Keys"), table, button("Close", "Esc", act.help));
  return sheet;
}

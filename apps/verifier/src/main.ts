import { element } from './element.js';
import { fileOf, judge, judgedOf, keysIn, trustIn, type GivenFile, type Verdict } from './given-files.js';
import { resultOf } from './result.js';
import { WORDS, type Language, type Words } from './words.js';

// The page is drawn from this alone. Nothing of it is kept anywhere when the page is closed.
let language: Language = navigator.language.toLowerCase().startsWith('ar') ? 'ar' : 'en';
let keyText = '';
let quorumText = '';
let files: readonly GivenFile[] = [];
let unreadable: readonly string[] = [];

/** Long enough that the page is painted, and that not every letter of a key is judged. */
const PAUSE_MS = 100;
let checking: ReturnType<typeof setTimeout> | undefined;

const page = document.querySelector('main')!;
let result: HTMLElement;
let said: HTMLElement;
let shown: HTMLElement;
let list: HTMLElement;
let keyFault: HTMLElement;
let keyBox: HTMLTextAreaElement;

/** Draws the whole page: at the start, and in another language. */
function draw(): void {
  const words = WORDS[language];
  document.documentElement.lang = language;
  document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
  document.title = words.title;
  // Read aloud is what is said, not the table beneath it.
  said = element('div', { role: 'status' });
  shown = element('div');
  result = element('section', { class: 'result' }, said, shown);
  page.replaceChildren(header(words), trustPart(words), filesPart(words), result);
  say();
}

function header(words: Words): HTMLElement {
  const other = element('button', { type: 'button', lang: language === 'ar' ? 'en' : 'ar' }, words.otherLanguage);
  other.addEventListener('click', () => {
    language = language === 'ar' ? 'en' : 'ar';
    draw();
    page.querySelector<HTMLButtonElement>('header button')?.focus();
  });
  return element(
    'header',
    {},
    element('div', {}, element('h1', {}, words.title), other),
    element('p', {}, words.lead),
    element('p', { class: 'offline' }, words.offline),
  );
}

function trustPart(words: Words): HTMLElement {
  keyBox = element('textarea', {
    id: 'keys',
    rows: '3',
    dir: 'ltr',
    spellcheck: 'false',
    'aria-describedby': 'key-hint',
  });
  keyBox.value = keyText;
  keyBox.addEventListener('input', () => {
    keyText = keyBox.value;
    say();
  });
  const quorum = element('input', { id: 'quorum', type: 'number', min: '0', max: '99', placeholder: words.quorumAll });
  quorum.value = quorumText;
  quorum.addEventListener('input', () => {
    quorumText = quorum.value;
    say();
  });
  keyFault = element('p', { class: 'fault', role: 'alert' });
  return element(
    'section',
    {},
    element('h2', {}, words.trust),
    element('p', { id: 'key-hint' }, words.trustHint),
    element('label', { for: 'keys' }, words.keyLabel),
    keyBox,
    keyFault,
    element('p', { class: 'quorum' }, element('label', { for: 'quorum' }, words.quorumLabel), ' ', quorum),
  );
}

function filesPart(words: Words): HTMLElement {
  const input = element('input', { type: 'file', multiple: '', id: 'files', class: 'hidden' });
  input.addEventListener('change', () => {
    const chosen = [...(input.files ?? [])];
    // The same file may be chosen again, when it has changed.
    input.value = '';
    void take(chosen);
  });
  const choose = element('label', { for: 'files', class: 'button' }, words.choose);
  const clear = element('button', { type: 'button' }, words.clear);
  clear.addEventListener('click', () => {
    files = [];
    unreadable = [];
    say();
  });
  list = element('ul', { class: 'files' });
  const zone = element('div', { class: 'zone' }, element('p', {}, words.filesHint), input, choose, ' ', clear, list);
  return element('section', {}, element('h2', {}, words.files), zone);
}

/** Says what is known about the files that were given. */
function say(): void {
  const words = WORDS[language];
  const typed = keyText.trim() === '' ? [] : keysIn(keyText);
  keyFault.textContent = typed === null ? words.badKey : '';
  const judged = judgedOf(files);
  const isJudged = (file: GivenFile): boolean => judged.proof === undefined || Object.values(judged).includes(file);
  list.replaceChildren(
    ...files.map((file) => listed(file.name, 'kind', isJudged(file) ? words.kinds[file.kind] : words.notLookedAt)),
    ...unreadable.map((name) => listed(name, 'fault', words.unreadable)),
  );
  // What was said before is taken away first, and stays away whatever happens; a large accounting takes seconds.
  result.className = 'result checking';
  said.replaceChildren(element('p', {}, words.checking));
  shown.replaceChildren();
  clearTimeout(checking);
  const check = setTimeout(() => {
    const quorum = quorumText === '' ? null : Number(quorumText);
    void judge(files, trustIn(typed ?? [], quorum)).then((verdict) => {
      // What was given meanwhile is judged by itself; an answer of before must not stand beside it.
      if (check === checking) sayVerdict(verdict);
    });
  }, PAUSE_MS);
  checking = check;
}

function sayVerdict(verdict: Verdict): void {
  const parts = resultOf(verdict, WORDS[language], language === 'ar');
  result.className = `result ${verdict.state}`;
  said.replaceChildren(...parts.said);
  shown.replaceChildren(...parts.shown);
}

function listed(name: string, kind: string, what: string): HTMLElement {
  return element('li', {}, element('bdi', {}, name), ' ', element('span', { class: kind }, what));
}

async function take(given: readonly File[]): Promise<void> {
  unreadable = [];
  for (const file of given) {
    const bytes = await file.arrayBuffer().then(
      (buffer) => new Uint8Array(buffer),
      () => null,
    );
    if (bytes === null) unreadable = [...unreadable, file.name];
    else put(fileOf(file.name, bytes));
  }
  say();
}

function put(file: GivenFile): void {
  if (file.kind !== 'keys') {
    files = [...files, file];
    return;
  }
  // Keys that are dropped stand with those that are typed, so that it is seen whom one trusts.
  const linesOf = (text: string): string[] => text.split(/\r?\n/).map((line) => line.trim());
  const lines = [...linesOf(keyText), ...linesOf(new TextDecoder().decode(file.bytes))];
  keyText = [...new Set(lines.filter((line) => line !== ''))].join('\n');
  keyBox.value = keyText;
}

// Files may be dropped anywhere on the page; without this the browser would open them in its place.
const body = document.body;
for (const kind of ['dragover', 'dragenter'] as const)
  body.addEventListener(kind, (event) => {
    event.preventDefault();
    body.classList.add('over');
  });
body.addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) body.classList.remove('over');
});
body.addEventListener('drop', (event) => {
  event.preventDefault();
  body.classList.remove('over');
  void take([...(event.dataTransfer?.files ?? [])]);
});

draw();

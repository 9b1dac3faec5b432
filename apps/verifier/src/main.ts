import { element } from './element.js';
import { fileOf, judge, keysIn, trustIn, type GivenFile } from './given-files.js';
import { resultOf } from './result.js';
import { WORDS, type Language, type Words } from './words.js';

// The page is drawn from this alone. Nothing of it is kept anywhere when the page is closed.
let language: Language = navigator.language.toLowerCase().startsWith('ar') ? 'ar' : 'en';
let keyText = '';
let quorumText = '';
let files: readonly GivenFile[] = [];

const page = document.querySelector('main')!;
let result: HTMLElement;
let list: HTMLElement;
let keyFault: HTMLElement;
let keyBox: HTMLTextAreaElement;

/** Draws the whole page: at the start, and in another language. */
function draw(): void {
  const words = WORDS[language];
  document.documentElement.lang = language;
  document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
  document.title = words.title;
  result = element('section', { class: 'result', role: 'status', 'aria-live': 'polite' });
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
  input.addEventListener('change', () => void take(input.files));
  const choose = element('label', { for: 'files', class: 'button' }, words.choose);
  const clear = element('button', { type: 'button' }, words.clear);
  clear.addEventListener('click', () => {
    files = [];
    input.value = '';
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
  list.replaceChildren(
    ...files.map(({ name, kind }) =>
      element('li', {}, element('bdi', {}, name), ' ', element('span', { class: 'kind' }, words.kinds[kind])),
    ),
  );
  const quorum = quorumText === '' ? null : Number(quorumText);
  const verdict = judge(files, trustIn(typed ?? [], quorum));
  result.className = `result ${verdict.state}`;
  result.replaceChildren(...resultOf(verdict, words, language === 'ar'));
}

async function take(given: Iterable<File> | null): Promise<void> {
  for (const file of given ?? []) {
    const taken = fileOf(file.name, new Uint8Array(await file.arrayBuffer()));
    if (taken.kind === 'keys') {
      // Keys that are dropped stand with those that are typed, so that it is seen whom one trusts.
      const lines = new TextDecoder().decode(taken.bytes).trim();
      keyText = keyText.trim() === '' ? lines : `${keyText.trim()}\n${lines}`;
      keyBox.value = keyText;
    } else files = [...files, taken];
  }
  say();
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
  void take(event.dataTransfer?.files ?? null);
});

draw();

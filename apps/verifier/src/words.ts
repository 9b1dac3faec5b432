import type { FileKind, MissingPart } from './given-files.js';

export type Language = 'en' | 'ar';

/** All that the page says, in both languages. */
export interface Words {
  readonly title: string;
  readonly lead: string;
  readonly offline: string;
  readonly otherLanguage: string;
  readonly trust: string;
  readonly trustHint: string;
  readonly keyLabel: string;
  readonly badKey: string;
  readonly quorumLabel: string;
  readonly quorumAll: string;
  readonly files: string;
  readonly filesHint: string;
  readonly choose: string;
  readonly clear: string;
  readonly kinds: Readonly<Record<FileKind, string>>;
  readonly notLookedAt: string;
  readonly unreadable: string;
  readonly checking: string;
  readonly missing: string;
  readonly parts: Readonly<Record<MissingPart, string>>;
  readonly holds: string;
  readonly refused: string;
  readonly refusedHint: string;
  readonly failed: string;
  readonly failedHint: string;
  readonly entryHolds: (index: string, size: string, origin: string) => string;
  readonly foreignLeaf: string;
  readonly openedHolds: (parts: string) => string;
  readonly closed: (parts: string) => string;
  readonly notOpened: (parts: string) => string;
  readonly accountingHolds: (entries: string, covered: string, origin: string, at: string) => string;
  readonly linesHold: (entries: string, origin: string) => string;
  readonly linked: (count: string) => string;
  readonly withheld: (count: string) => string;
  readonly openConflicts: (count: string) => string;
  readonly reportHolds: (disclosures: string) => string;
  readonly reportLinesHold: (disclosures: string) => string;
  readonly reportNewer: (count: string) => string;
  readonly conflicts: (count: string) => string;
  readonly notCompared: (members: string) => string;
  readonly comma: string;
  readonly uncounted: (count: string) => string;
  readonly unproven: (count: string) => string;
  readonly noReport: string;
  readonly cosigned: (names: string) => string;
  readonly notCosigned: string;
  readonly lost: (losses: string) => string;
  readonly subject: string;
  readonly linkedSubjects: string;
  readonly path: string;
  readonly pathHint: string;
  readonly root: string;
  readonly opened: string;
  readonly openedHint: string;
  /** The sealed parts of entries, by what holds their keys. */
  readonly sealedParts: Readonly<Record<string, string>>;
  readonly asText: string;
  readonly timeline: string;
  readonly columns: { readonly leaf: string; readonly when: string; readonly what: string; readonly whom: string };
  readonly withheldEntry: string;
  readonly activities: Readonly<Record<Activity, string>>;
  readonly details: string;
  readonly limits: Readonly<Record<'entry' | 'accounting', string>>;
}

/** What an entry records, as the picture and the table tell it. */
export type Activity = 'collected' | 'used' | 'disclosed' | 'deleted' | 'consulted' | 'other';

const en: Words = {
  title: 'Proof verifier',
  lead: 'Checks that what a privacy audit ledger has shown to you is what it signed.',
  offline:
    'This page makes no connection: nothing that you open leaves this device. You can save it and use it offline.',
  otherLanguage: 'العربية',
  trust: '1. Whom you trust',
  trustHint:
    "The log's verifier key, from somewhere else than the proof: printed, on the operator's site, from a witness. Keys of witnesses go on lines of their own.",
  keyLabel: 'Verifier keys, one a line',
  badKey: 'That is no verifier key. A key is one line: a name, a plus, eight digits, a plus, and letters.',
  quorumLabel: 'Witnesses who must have cosigned',
  quorumAll: 'all',
  files: '2. What was shown to you',
  filesHint:
    "Drop files here: an entry's leaf and its proof, with the unsealed entry beside them where it was opened for you; or accounting.proof, best with accounting.json beside it.",
  choose: 'Choose files',
  clear: 'Start again',
  kinds: {
    keys: 'verifier key',
    proof: 'proof of an entry',
    leaf: 'leaf',
    unsealed: 'unsealed entry',
    accounting: 'proof of an accounting',
    report: 'report',
  },
  notLookedAt: 'not looked at',
  unreadable: 'could not be read',
  checking: 'Checking…',
  missing: 'Still needed:',
  parts: {
    key: "the log's verifier key",
    proof: 'a proof',
    leaf: 'the leaf of the entry',
    quorum: 'keys of as many witnesses as must have cosigned',
    secure:
      'this page from a file of yours, or over https: where it is now the browser opens nothing that is sealed. Save it, and open what you saved',
  },
  holds: 'It holds',
  refused: 'It does not hold',
  refusedHint: 'What you were shown is not what this log has signed, or a file belongs to something else. The reason:',
  failed: 'The check could not be finished',
  failedHint: "This says nothing about what you were shown: the fault is this page's or this browser's.",
  entryHolds: (index, size, origin) =>
    `This is leaf ${index}, counted from 0, of the ${size} in the log ${origin}, to the byte.`,
  foreignLeaf:
    'The ledger has not written it: the leaf says that somebody else has put something into its store, and nothing that this holds is to be believed.',
  openedHolds: (parts) => `What was opened is what is sealed in this entry: ${parts}.`,
  closed: (parts) =>
    `Sealed in it as well, and not opened here: ${parts}. Of that nothing is said, nor whether it can still be opened.`,
  notOpened: (parts) =>
    `Sealed in it, and not looked at: ${parts}. Where the entry was opened for you, drop the unsealed entry too.`,
  accountingHolds: (entries, covered, origin, at) =>
    `These ${entries} entries are all disclosures of this person's data, and all that says who is the same person, among the first ${covered} of the log ${origin}, as of ${at}. None was left out.`,
  linesHold: (entries, origin) =>
    `Each of these ${entries} entries is about this person and in the log ${origin}. Whether there are others is not said: what an authority has ordered not to be told would be missing, and this page says the same whether or not there is any.`,
  linked: (count) =>
    `The person is more than one subject of the ledger: linked to the first are ${count} more, and no one else is. All are looked at here.`,
  withheld: (count) =>
    `${count} of them are withheld: they are counted and not shown, and whether a report has them cannot be said.`,
  openConflicts: (count) =>
    `The ledger has not settled whether somebody else in it is this person too; open cases: ${count}. Of entries about them nothing is said here.`,
  reportHolds: (disclosures) =>
    `The report says what these entries say openly: all ${disclosures} disclosures of its period, and no other.`,
  reportLinesHold: (disclosures) =>
    `The report says what these entries say openly: each of its ${disclosures} disclosures is one of them.`,
  reportNewer: (count) => `${count} disclosures came after the report.`,
  conflicts: (count) =>
    `Conflicting, since the identity of their event was used before for something else: ${count}. They are flagged in the report.`,
  notCompared: (members) => `Not compared, since it is sealed in the entries or the ledger's own word: ${members}.`,
  comma: ', ',
  uncounted: (count) => `Not counted, since they repeat an event that was recorded before: ${count}.`,
  unproven: (count) =>
    `The report goes on for ${count} entries of the log behind those, and of these nothing is proven. Ask for both again.`,
  noReport: 'Drop accounting.json too, to see that the report says what these entries say.',
  cosigned: (names) => `Cosigned by ${names}.`,
  notCosigned: 'No witness was asked for.',
  lost: (losses) =>
    `This log has lost entries and put that on record; times: ${losses}. Its name says so. What was lost is not covered here: it is missing in the log, and so in what is shown.`,
  subject: 'Subject',
  linkedSubjects: 'Linked to it, the same person',
  path: 'From the leaf to the signed root',
  pathHint: 'In the middle what was computed here, from the leaf upwards; beside it the hashes that the proof gives.',
  root: 'root, signed',
  opened: 'What was opened',
  openedHint: 'As it was opened here from the sealed texts, each with its own key.',
  sealedParts: {
    subject: "what is the person's",
    shared: 'details of the event',
    staff: "what is the staff's",
    ledger: 'what is about no person',
    case: 'what belongs to a case',
    quarantine: 'the record as it arrived',
  },
  asText: 'as text',
  timeline: 'When it happened',
  columns: { leaf: 'Leaf', when: 'When (UTC)', what: 'What', whom: 'To whom' },
  withheldEntry: 'withheld',
  activities: {
    collected: 'collected',
    used: 'used',
    disclosed: 'disclosed',
    deleted: 'deleted',
    consulted: 'looked up',
    other: 'other',
  },
  details: 'The leaf, as it was signed',
  limits: {
    entry: 'What this does not say: that what was reported to the ledger is true, or that nothing else was recorded.',
    accounting:
      'What this does not say: that what was reported to the ledger is true or whole; that the subject is the person you mean, since the ledger alone knows whose id it is; that all about this person came under identifiers that lead to these subjects; that the map of subjects was made from all entries, which whoever audits the ledger checks over the whole log.',
  },
};

const ar: Words = {
  title: 'مدقّق الإثباتات',
  lead: 'يتحقّق من أن ما عُرض عليك من سجل تدقيق الخصوصية هو ما وقّعه السجل.',
  offline: 'لا تجري هذه الصفحة أي اتصال: لا يغادر جهازك شيء مما تفتحه. يمكنك حفظها واستخدامها دون شبكة.',
  otherLanguage: 'English',
  trust: '١. بمن تثق',
  trustHint:
    'مفتاح التحقّق من السجل، من مصدر غير الإثبات نفسه: مطبوعًا، أو من موقع المشغّل، أو من شاهد. ضع مفاتيح الشهود في أسطر مستقلة.',
  keyLabel: 'مفاتيح التحقّق، مفتاح في كل سطر',
  badKey: 'ليس هذا مفتاح تحقّق. المفتاح سطر واحد: اسم، ثم علامة زائد، ثم ثمانية أرقام، ثم علامة زائد، ثم حروف.',
  quorumLabel: 'عدد الشهود الواجب توقيعهم',
  quorumAll: 'الكل',
  files: '٢. ما عُرض عليك',
  filesHint:
    'أسقط الملفات هنا: ورقة القيد وإثباتها، ومعهما القيد المفتوح إن فُتح لك، أو accounting.proof ويُستحسن معه accounting.json.',
  choose: 'اختر الملفات',
  clear: 'ابدأ من جديد',
  kinds: {
    keys: 'مفتاح تحقّق',
    proof: 'إثبات قيد',
    leaf: 'ورقة',
    unsealed: 'قيد مفتوح',
    accounting: 'إثبات كشف',
    report: 'تقرير',
  },
  notLookedAt: 'لم يُنظر فيه',
  unreadable: 'تعذّرت قراءته',
  checking: 'جارٍ التحقّق…',
  missing: 'ما زال مطلوبًا:',
  parts: {
    key: 'مفتاح التحقّق من السجل',
    proof: 'إثبات',
    leaf: 'ورقة القيد',
    quorum: 'مفاتيح شهود بعدد من يجب توقيعهم',
    secure: 'هذه الصفحة من ملف لديك أو عبر https: فحيث هي الآن لا يفتح المتصفح شيئًا مختومًا. احفظها ثم افتح ما حفظته',
  },
  holds: 'صحيح',
  refused: 'غير صحيح',
  refusedHint: 'ما عُرض عليك ليس ما وقّعه هذا السجل، أو أن أحد الملفات يخص شيئًا آخر. السبب:',
  failed: 'تعذّر إكمال التحقّق',
  failedHint: 'لا يقول هذا شيئًا عمّا عُرض عليك: الخلل في هذه الصفحة أو في هذا المتصفح.',
  entryHolds: (index, size, origin) =>
    `هذه هي الورقة رقم ${index}، عدًّا من 0، من ${size} في السجل ${origin}، بايتًا ببايت.`,
  foreignLeaf: 'لم يكتبها السجل: تقول الورقة إن غيره وضع شيئًا في مخزنه، ولا يُصدَّق شيء مما فيه.',
  openedHolds: (parts) => `ما فُتح هو المختوم في هذا القيد: ${parts}.`,
  closed: (parts) => `وفيه مختوم آخر لم يُفتح هنا: ${parts}. ولا يُقال عنه شيء، ولا هل ما زال فتحه ممكنًا.`,
  notOpened: (parts) => `وفيه مختوم لم يُنظر فيه: ${parts}. إن فُتح لك القيد فأسقط القيد المفتوح أيضًا.`,
  accountingHolds: (entries, covered, origin, at) =>
    `هذه القيود وعددها ${entries} هي كل الإفصاحات عن بيانات هذا الشخص وكل ما يقول من هو الشخص نفسه، بين أول ${covered} من قيود السجل ${origin}، حتى ${at}. لم يُحذف منها شيء.`,
  linesHold: (entries, origin) =>
    `كل قيد من هذه القيود وعددها ${entries} يخص هذا الشخص وهو في السجل ${origin}. ولا يُقال هنا هل توجد قيود غيرها: فما أمرت جهة مختصة بعدم الإخبار به لا يرد هنا، وتقول هذه الصفحة الشيء نفسه سواء وُجد أم لم يوجد.`,
  linked: (count) =>
    `هذا الشخص أكثر من صاحب بيانات واحد في السجل: يرتبط بالأول غيره وعددهم ${count}، ولا أحد سواهم. وقد نُظر فيهم جميعًا هنا.`,
  withheld: (count) => `منها ${count} محجوبة: تُعدّ ولا تُعرض، ولا يُعرف هل يتضمنها التقرير.`,
  openConflicts: (count) =>
    `لم يحسم السجل بعد هل شخص آخر فيه هو هذا الشخص نفسه؛ عدد الحالات المفتوحة: ${count}. ولا يُقال هنا شيء عن قيودها.`,
  reportHolds: (disclosures) =>
    `يقول التقرير ما تقوله هذه القيود علنًا: كل الإفصاحات في فترته وعددها ${disclosures}، ولا شيء غيرها.`,
  reportLinesHold: (disclosures) =>
    `يقول التقرير ما تقوله هذه القيود علنًا: كل إفصاح من إفصاحاته وعددها ${disclosures} قيد منها.`,
  reportNewer: (count) => `جاءت ${count} من الإفصاحات بعد التقرير.`,
  conflicts: (count) => `متعارضة، لأن هوية حدثها سبق أن استُخدمت لأمر آخر: ${count}. وهي موسومة في التقرير.`,
  notCompared: (members) => `لم يُقارن، لأنه مختوم في القيود أو من قول السجل نفسه: ${members}.`,
  comma: '، ',
  uncounted: (count) => `لا يُحتسب منها، لأنه يكرّر حدثًا سبق تسجيله: ${count}.`,
  unproven: (count) =>
    `يمتد التقرير إلى ما بعدها بعدد ${count} من قيود السجل، ولا يُثبت شيء عنها. اطلب التقرير وإثباته من جديد.`,
  noReport: 'أسقط accounting.json أيضًا لترى أن التقرير يقول ما تقوله هذه القيود.',
  cosigned: (names) => `شهد عليه ${names}.`,
  notCosigned: 'لم يُطلب أي شاهد.',
  lost: (losses) =>
    `فقد هذا السجل قيودًا ودوّن ذلك فيه، وعدد المرات: ${losses}، واسمه يقول ذلك. ما فُقد لا يشمله هذا التحقق: فهو غائب عن السجل وعمّا يُعرض هنا.`,
  subject: 'صاحب البيانات',
  linkedSubjects: 'المرتبطون به، وهم الشخص نفسه',
  path: 'من الورقة إلى الجذر الموقّع',
  pathHint: 'في الوسط ما حُسب هنا من الورقة صعودًا، وإلى جانبه التجزئات التي يقدّمها الإثبات.',
  root: 'الجذر، موقّع',
  opened: 'ما فُتح',
  openedHint: 'كما فُتح هنا من النصوص المختومة، كل نص بمفتاحه.',
  sealedParts: {
    subject: 'ما يخص الشخص',
    shared: 'تفاصيل الحدث',
    staff: 'ما يخص الموظفين',
    ledger: 'ما لا يخص شخصًا',
    case: 'ما يخص حالة',
    quarantine: 'الرسالة كما وصلت',
  },
  asText: 'نصًّا',
  timeline: 'متى حدث',
  columns: { leaf: 'الورقة', when: 'متى (UTC)', what: 'ماذا', whom: 'إلى من' },
  withheldEntry: 'محجوب',
  activities: {
    collected: 'جُمع',
    used: 'استُخدم',
    disclosed: 'أُفصح عنه',
    deleted: 'حُذف',
    consulted: 'اطُّلع عليه',
    other: 'غير ذلك',
  },
  details: 'الورقة كما وُقّعت',
  limits: {
    entry: 'ما لا يقوله هذا: أن ما أُبلغ به السجل صحيح، أو أنه لم يُسجَّل غيره.',
    accounting:
      'ما لا يقوله هذا: أن ما أُبلغ به السجل صحيح أو كامل؛ ولا أن صاحب البيانات هو الشخص الذي تقصده، فالسجل وحده يعرف لمن هذا الرقم؛ ولا أن كل ما يخص هذا الشخص جاء بمعرّفات تؤدي إلى أصحاب البيانات هؤلاء؛ ولا أن خريطة أصحاب البيانات صُنعت من كل القيود، وهذا ما يتحقق منه مدقق السجل على السجل كله.',
  },
};

export const WORDS: Readonly<Record<Language, Words>> = { en, ar };

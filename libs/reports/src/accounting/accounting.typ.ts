import { lookTemplate } from '../rendering/look.typ.js';

/**
 * The accounting of disclosures in Typst: a first page upright with the request and the totals, then the register on
 * landscape pages, then how to read it. Right to left follows from the language; nothing is mirrored by hand.
 */
export const accountingTemplate = `${lookTemplate}${String.raw`
#set document(title: words.title, author: words.register, keywords: (page-data.reference, page-data.template))
#set text(font: faces, fallback: false, size: 9pt, fill: ink, lang: page-data.language, hyphenate: false)
#set par(leading: if arabic { 0.62em } else { 0.58em }, spacing: 0.8em)

#let folio = context {
  let filled = words.pageOf.replace("{page}", str(here().page())).replace("{pages}", str(counter(page).final().first()))
  text(filled)
}
#let running-foot = {
  line(length: 100%, stroke: 0.4pt + hair)
  v(-4pt)
  grid(
    columns: (1fr, auto, 1fr),
    align: (start, center, end),
    small(words.confidential),
    small({ text(words.register); [ · ]; code-text(page-data.reference) }),
    small(folio),
  )
}
#let running-head = {
  grid(
    columns: (1fr, auto),
    align: (start + bottom, end + bottom),
    small(fill: accent, text(weight: 600, words.title)),
    small({ text(words.reference); [ ]; code-text(page-data.reference) }),
  )
  v(-5pt)
  line(length: 100%, stroke: 0.8pt + accent)
}

#show heading.where(level: 1): it => block(above: 0pt, below: 0pt, text(size: 21pt, weight: 600, fill: ink, it.body))
#show heading.where(level: 2): it => block(above: 13pt, below: 7pt, sticky: true, text(size: 11pt, weight: 600, fill: accent, it.body))
#show heading.where(level: 3): it => block(above: 0pt, below: 9.5pt, sticky: true, text(size: 9pt, weight: 600, fill: ink, it.body))

#set page(paper: "a4", margin: (x: 18mm, top: 16mm, bottom: 19mm), footer: running-foot)

// ---- Title block
#let seal-latin = text(size: 17pt, weight: 600, fill: accent, tracking: 0.4pt, dir: ltr, font: latin-first, "Sijill")
#let seal-arabic = box(height: 30pt, inset: (bottom: 9pt), align(bottom, text(
  size: 27pt, weight: 700, fill: accent, font: "Amiri", lang: "ar", dir: rtl, "سجل",
)))
#let description = small(size: 8.5pt, words.registerDescription)
#grid(
  columns: (auto, 1fr, auto),
  column-gutter: 10pt,
  align: (start + bottom, start + bottom, end + bottom),
  ..if arabic { (seal-arabic, pad(bottom: 9pt, description), pad(bottom: 9pt, seal-latin)) } else {
    (pad(bottom: 8pt, seal-latin), pad(bottom: 8pt, description), seal-arabic)
  },
)
#v(-2pt)
#both-rules
#v(16pt)
#heading(level: 1, words.title)
#v(10pt)
#small(size: 8.5pt, { text(words.reference); [~]; code-text(page-data.reference) })
#v(6pt)

// ---- Who asked, about whom, as of when
#let fact-group(group) = {
  heading(level: 3, group.title)
  grid(
    columns: (31%, 1fr),
    column-gutter: 8pt,
    row-gutter: 6.5pt,
    ..group.facts.map(fact => (
      small(size: 8pt, say(fact.label)),
      text(size: 8.8pt, fact.lines.map(runs => runs.map(say).join()).join(linebreak())),
    )).flatten(),
  )
}
#block(width: 100%, fill: wash, inset: (x: 12pt, y: 12pt), radius: 2pt, grid(
  columns: (1fr, 1fr),
  column-gutter: 22pt,
  ..{
    let (request, subject, ledger) = page-data.facts
    let height(group) = group.facts.map(fact => fact.lines.len()).sum()
    let with-ledger(group) = { fact-group(group); v(14pt); fact-group(ledger) }
    if height(request) < height(subject) { (with-ledger(request), fact-group(subject)) } else {
      (fact-group(request), with-ledger(subject))
    }
  },
))

#if page-data.notices.len() > 0 {
  v(8pt)
  block(width: 100%, fill: caution-wash, stroke: (if arabic { (right: 2.4pt + caution) } else { (left: 2.4pt + caution) }), inset: (x: 12pt, y: 9pt), radius: 1pt, stack(
    spacing: 7pt,
    ..page-data.notices.map(notice => text(size: 8.8pt, notice)),
  ))
}

// ---- Totals
#heading(level: 2, words.summary)
#grid(
  columns: page-data.figures.map(f => if f.also == none { 1fr } else { 1.5fr }),
  column-gutter: 10pt,
  ..page-data.figures.map(figure => block(width: 100%, stroke: (top: 1.2pt + accent), inset: (top: 6pt), stack(
    spacing: 7pt,
    small(size: 8pt, figure.label),
    if figure.also == none { text(size: 17pt, weight: 600, say(figure.value)) } else {
      text(size: 11.5pt, weight: 600, say(figure.value))
    },
    if figure.also != none { small(size: 8pt, say(figure.also)) },
  ))),
)
#if page-data.nothing == none {
  v(8pt)
  grid(
    columns: (1fr, 1fr),
    column-gutter: 22pt,
    ..page-data.charts.map(chart => {
      heading(level: 3, chart.title)
      bar-chart(chart.bars)
      if chart.more != none { v(3pt); small(chart.more) }
    }),
  )
  v(2pt)
  small(words.byCategoryNote)
}

// ---- How to read it, and what it is worth
#let notes(title, paragraphs) = {
  heading(level: 3, title)
  for (i, paragraph) in paragraphs.enumerate() {
    block(above: 0pt, below: 5.5pt, grid(
      columns: (11pt, 1fr),
      text(size: 7.6pt, fill: accent, weight: 600, str(i + 1)), text(size: 7.6pt, paragraph),
    ))
  }
}
#let closing = block(width: 100%, stroke: (top: 0.6pt + hair), inset: (top: 10pt), {
  set par(leading: if arabic { 0.58em } else { 0.52em })
  grid(
    columns: (1.35fr, 1fr),
    column-gutter: 22pt,
    notes(words.howToRead, words.howToReadNotes),
    {
      notes(words.limits, words.limitNotes)
      v(3pt)
      block(breakable: false, stack(
        spacing: 6pt,
        small(size: 7.2pt, words.dataFile),
        code-block(page-data.sha256),
        small(size: 7.2pt, { text(words.template); [~]; code-text(page-data.template) }),
      ))
    },
  )
})

#if page-data.nothing != none {
  v(10pt)
  block(width: 100%, stroke: 0.8pt + accent, inset: 16pt, radius: 2pt, stack(
    spacing: 10pt,
    text(size: 12pt, weight: 600, fill: accent, words.nothing),
    text(size: 9.5pt, page-data.nothing),
  ))
  v(14pt)
  closing
} else {
  v(10pt)
  closing

  // ---- The register
  set page(flipped: true, margin: (x: 14mm, top: 20mm, bottom: 17mm), header: running-head, footer: running-foot)

  if page-data.allTotals.len() > 0 {
    heading(level: 2, words.allTotals)
    for chart in page-data.allTotals {
      heading(level: 3, chart.title)
      columns(3, gutter: 18pt, for bar in chart.bars {
        block(below: 4pt, width: 100%, stroke: (bottom: 0.3pt + hair), inset: (bottom: 3.5pt), grid(
          columns: (1fr, auto), column-gutter: 8pt, text(size: 8pt, say(bar.label)), text(size: 8pt, weight: 600, bar.count),
        ))
      })
      v(8pt)
    }
    pagebreak()
  }

  heading(level: 2, words.disclosureRegister)
  let labelled(lines) = lines.map(pairs => pairs.map(((label, value)) => {
    small(size: 0.88em, { tight(label); [:~] })
    say(value)
  }).join(h(7pt))).join(linebreak())
  let trail(pairs) = text(size: 6pt, fill: quiet, pairs.map(((label, value)) => {
    tight(label)
    [~]
    text(fill: ink, say(value))
  }).join([ #h(5pt)]))
  let cells(row) = (
    table.cell(rowspan: 2, breakable: row.breakable, text(weight: 600, fill: accent, row.number)),
    {
      text(weight: 600, say(row.when.first()))
      for line in row.when.slice(1) { linebreak(); say(line) }
      if row.flag != none { linebreak(); text(weight: 600, fill: caution, row.flag) }
    },
    {
      text(weight: 600, say(row.recipient))
      linebreak()
      small(size: 0.92em, row.standing.map(say).join([~· ]))
      linebreak()
      small(size: 0.82em, { text(words.recipientId); [~]; say(row.recipientId) })
    },
    row.data.map(say).join([~· ]),
    labelled(row.why),
    labelled(row.how),
    table.cell(colspan: 5, inset: (x: 5pt, top: 2pt, bottom: 5pt), trail(row.trail)),
  )
  set text(size: 7.6pt)
  set par(leading: 0.5em)
  table(
    columns: (11mm, 43.5mm, 51mm, 42mm, 54mm, 1fr),
    inset: (x: 5pt, top: 5.5pt, bottom: 3.5pt),
    align: start + top,
    stroke: (x, y) => if y > 1 and calc.odd(y) { (top: 0.5pt + hair) },
    table.header(..words.columns.map(column => table.cell(fill: accent, inset: (x: 5pt, y: 5.5pt), text(fill: white, weight: 600, column)))),
    ..page-data.rows.map(cells).flatten(),
    table.hline(stroke: 0.8pt + accent),
    table.footer(repeat: false, table.cell(colspan: 6, inset: (x: 5pt, top: 6pt), small(
      words.end.replace("{count}", page-data.figures.first().value),
    ))),
  )
}
`}`;

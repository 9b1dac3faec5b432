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
    small({ text(words.register); [ · ]; text(font: fixed-pitch, size: 0.92em, dir: ltr, page-data.reference) }),
    small(folio),
  )
}
#let running-head = {
  grid(
    columns: (1fr, auto),
    align: (start + bottom, end + bottom),
    small(fill: accent, text(weight: 600, words.title)),
    small({ text(words.reference); [ ]; text(font: fixed-pitch, size: 0.92em, dir: ltr, page-data.reference) }),
  )
  v(-5pt)
  line(length: 100%, stroke: 0.8pt + accent)
}

#show heading.where(level: 1): it => block(above: 0pt, below: 0pt, text(size: 21pt, weight: 600, fill: ink, it.body))
#show heading.where(level: 2): it => block(above: 13pt, below: 7pt, sticky: true, text(size: 11pt, weight: 600, fill: accent, it.body))
#show heading.where(level: 3): it => block(above: 0pt, below: 6pt, sticky: true, text(size: 9pt, weight: 600, fill: ink, it.body))

#set page(paper: "a4", margin: (x: 18mm, top: 16mm, bottom: 19mm), footer: running-foot)

// ---- Title block
#let seal-latin = text(size: 17pt, weight: 600, fill: accent, tracking: 0.4pt, dir: ltr, font: latin-first, "Sijill")
#let seal-arabic = text(size: 30pt, weight: 700, fill: accent, font: "Amiri", lang: "ar", dir: rtl, "سِجِلّ")
#let seals = if arabic { (seal-arabic, seal-latin) } else { (seal-latin, seal-arabic) }
#grid(
  columns: (1fr, auto),
  align: (start + horizon, end + horizon),
  stack(dir: if arabic { rtl } else { ltr }, spacing: 10pt, seals.at(0), align(horizon, small(size: 8.5pt, words.registerDescription))),
  seals.at(1),
)
#v(-3pt)
#both-rules
#v(9pt)
#heading(level: 1, words.title)
#v(-1pt)
#small(size: 8.5pt, { text(words.reference); [ ]; text(font: fixed-pitch, size: 0.95em, fill: ink, dir: ltr, page-data.reference) })
#v(4pt)

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
  fact-group(page-data.facts.at(0)),
  { fact-group(page-data.facts.at(1)); v(9pt); fact-group(page-data.facts.at(2)) },
))

// ---- Totals
#heading(level: 2, words.summary)
#grid(
  columns: page-data.figures.map(f => if f.also == none { 1fr } else { 1.5fr }),
  column-gutter: 10pt,
  ..page-data.figures.map(figure => block(width: 100%, stroke: (top: 1.2pt + accent), inset: (top: 6pt), {
    small(size: 8pt, figure.label)
    v(-3pt)
    if figure.also == none { text(size: 17pt, weight: 600, say(figure.value)) } else {
      text(size: 11pt, weight: 600, say(figure.value)); linebreak(); small(size: 8pt, say(figure.also))
    }
  })),
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

#let notes(title, paragraphs) = {
  heading(level: 2, title)
  for (i, paragraph) in paragraphs.enumerate() {
    block(below: 6pt, grid(columns: (12pt, 1fr), text(size: 8.5pt, fill: accent, weight: 600, str(i + 1)), text(size: 8.5pt, paragraph)))
  }
}
#let closing = {
  grid(
    columns: (1fr, 1fr),
    column-gutter: 24pt,
    notes(words.howToRead, words.howToReadNotes), notes(words.limits, words.limitNotes),
  )
  v(6pt)
  block(breakable: false, width: 100%, stroke: (top: 0.4pt + hair), inset: (top: 7pt), {
    small(words.dataFile)
    linebreak()
    text(font: fixed-pitch, size: 8pt, dir: ltr, page-data.sha256.slice(0, 32))
    h(0pt)
    text(font: fixed-pitch, size: 8pt, dir: ltr, page-data.sha256.slice(32))
    linebreak()
    small({ text(words.template); [ ]; text(font: fixed-pitch, size: 0.92em, dir: ltr, page-data.template) })
  })
}

#if page-data.nothing != none {
  v(14pt)
  block(width: 100%, stroke: 0.8pt + accent, inset: 16pt, radius: 2pt, {
    text(size: 12pt, weight: 600, fill: accent, words.nothing)
    parbreak()
    text(size: 9.5pt, page-data.nothing)
  })
  closing
} else {
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
  let labelled(pairs) = pairs.map(((label, value)) => { small(size: 6.8pt, { text(label); [: ] }); say(value) }).join(linebreak())
  let trail(pairs) = text(size: 6.3pt, fill: quiet, pairs.map(((label, value)) => {
    text(label); [ ]; text(fill: ink, say(value))
  }).join([#h(5pt) #h(5pt)]))
  let cells(row) = (
    table.cell(rowspan: 2, breakable: row.breakable, text(weight: 600, fill: accent, row.number)),
    { text(weight: 600, say(row.when.first())); for line in row.when.slice(1) { linebreak(); say(line) } },
    { text(weight: 600, say(row.recipient)); linebreak(); small(row.standing.map(say).join([ · ])) },
    row.data.map(say).join(linebreak()),
    labelled(row.why),
    labelled(row.how),
    table.cell(colspan: 5, inset: (x: 5pt, top: 0pt, bottom: 6pt), trail(row.trail)),
  )
  set text(size: 7.8pt)
  set par(leading: 0.5em)
  table(
    columns: (11mm, 34mm, 55mm, 44mm, 62mm, 1fr),
    inset: (x: 5pt, top: 6pt, bottom: 4pt),
    align: start + top,
    stroke: (x, y) => if y > 0 and calc.odd(y) { (top: 0.5pt + hair) },
    table.header(..words.columns.map(column => table.cell(fill: accent, inset: (x: 5pt, y: 5.5pt), text(fill: white, weight: 600, column)))),
    ..page-data.rows.map(cells).flatten(),
    table.hline(stroke: 0.8pt + accent),
  )
  set text(size: 9pt)
  closing
}
`}`;

/**
 * The look that documents share, in Typst: colours, faces, and how text from the data is set.
 *
 * It is a module and not a `.typ` file, because it then is where the compiled code is, whatever copies or bundles it.
 * Nothing is ever put into this text: data reaches it through `json()`, and strings from there are text, not markup.
 */
export const lookTemplate = String.raw`
#let page-data = json("data.json")
#let words = page-data.words
#let arabic = page-data.language == "ar"

#let ink = rgb("#1c2724")
#let quiet = rgb("#5c6965")
#let accent = rgb("#0e5a49")
#let wash = rgb("#eff4f2")
#let track = rgb("#e3eae7")
#let hair = rgb("#c9d4d0")

#let latin-first = ("IBM Plex Sans", "IBM Plex Sans Arabic", "Amiri")
#let arabic-first = ("IBM Plex Sans Arabic", "IBM Plex Sans", "Amiri")
#let faces = if arabic { arabic-first } else { latin-first }
#let fixed-pitch = ("IBM Plex Mono", ..faces)

// A piece ends where a line may: long ids get their breaks from a space too thin to see, which leaves no character behind
// when the id is copied. It cannot be nothing at all; the compiler drops a space of no width, and the break with it.
#let seam = h(0.001pt)
// Text that runs against the page is shut in between two marks of the page's own direction. Without them a Latin id would
// join a Latin word of the label before it, and the two would change places.
#let home-mark = if arabic { "\u{200f}" } else { "\u{200e}" }
#let say(it) = {
  if type(it) == str { return text(it) }
  let dir = if it.dir == "rtl" { rtl } else { ltr }
  let body = it.pieces.map(piece => text(piece)).join(seam)
  let set-body = if it.at("mono", default: false) { text(font: fixed-pitch, size: 0.92em, dir: dir, body) } else { text(dir: dir, body) }
  if (dir == rtl) == arabic { set-body } else { text(home-mark) + set-body + text(home-mark) }
}

// An id of ours.
#let code-text(id) = say((dir: "ltr", mono: true, pieces: (id,)))

// A digest of ours, in fours, over as many lines as it takes.
#let code-block(digest) = block(text(font: fixed-pitch, size: 7.4pt, dir: ltr, range(0, digest.len(), step: 8).map(at => text(digest.slice(at, at + 8))).join(seam)))

// Words that stay on one line.
#let tight(words) = text(words.replace(" ", "\u{a0}"))

#let small(size: 7.5pt, fill: quiet, body) = text(size: size, fill: fill, body)

#let both-rules = stack(spacing: 1.6pt, line(length: 100%, stroke: 1.4pt + accent), line(length: 100%, stroke: 0.4pt + accent))

#let bar-chart(bars, gap: 7pt) = stack(
  spacing: gap,
  ..bars.map(bar => block(breakable: false, width: 100%, stack(
    spacing: 3.2pt,
    grid(
      columns: (1fr, auto),
      column-gutter: 8pt,
      align: (start + bottom, end + bottom),
      text(size: 8.5pt, say(bar.label)), text(size: 8.5pt, weight: 600, bar.count),
    ),
    block(width: 100%, height: 4.5pt, fill: track, radius: 1pt, align(start, box(
      width: calc.max(bar.share, 0.006) * 100%,
      height: 4.5pt,
      fill: accent,
      radius: 1pt,
    ))),
  ))),
)
`;

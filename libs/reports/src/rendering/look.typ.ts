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
#let caution = rgb("#8a5200")
#let caution-wash = rgb("#fbf4e6")

#let latin-first = ("IBM Plex Sans", "IBM Plex Sans Arabic", "Amiri")
#let arabic-first = ("IBM Plex Sans Arabic", "IBM Plex Sans", "Amiri")
#let faces = if arabic { arabic-first } else { latin-first }
#let fixed-pitch = ("IBM Plex Mono", ..faces)

// A piece ends where a line may: long ids get their breaks from a space too thin to see, which leaves no character behind
// when the id is copied. It cannot be nothing at all; the compiler drops a space of no width, and the break with it.
#let seam = h(0.001pt)
// Text from outside is shut in between the marks of an isolate (UAX #9): its own order stays as it is, and nothing beside it is
// drawn into it. The compiler's own way, a direction given to the text, ends it with a mark that is set as one with the last
// letter; that letter is then copied with the mark wherever the face has it, and some readers leave the letter out. In a size of
// their own the marks are never set together with what they enclose.
#let mark(sign) = text(size: 0.01pt, sign)
#let isolated(dir, body) = mark(if dir == "rtl" { "\u{2067}" } else { "\u{2066}" }) + body + mark("\u{2069}")
#let say(it) = {
  if type(it) == str { return text(it) }
  let body = it.pieces.map(piece => text(piece)).join(seam)
  isolated(it.dir, if it.at("mono", default: false) { text(font: fixed-pitch, size: 0.92em, body) } else { body })
}

// An id of ours.
#let code-text(id) = say((dir: "ltr", mono: true, pieces: (id,)))

// A digest of ours, in fours, over as many lines as it takes.
#let code-block(digest) = block(isolated("ltr", text(font: fixed-pitch, size: 7.4pt, range(0, digest.len(), step: 8).map(at => text(digest.slice(at, at + 8))).join(seam))))

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

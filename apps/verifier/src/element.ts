type Attributes = Readonly<Record<string, string>>;
type Child = Node | string | null;

/** An element with attributes and children. Texts become text, never markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  return filled(document.createElement(name), attributes, children);
}

/** The same, of a drawing. */
export function shape<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Name] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function filled<Filled extends Element>(target: Filled, attributes: Attributes, children: readonly Child[]): Filled {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(name, value);
  target.append(...children.filter((child) => child !== null));
  return target;
}

/** What a command tells the shell. */
export const EXIT = {
  done: 0,
  /** The answer is "no": nobody found, some lines refused. */
  no: 1,
  /** Wrong use or configuration. */
  wrongUse: 2,
  /** Something cannot be reached or read. */
  unreachable: 3,
} as const;

/** The person at the terminal asked for something that cannot be; the message says what to change. */
export class WrongUse extends Error {
  override readonly name = 'WrongUse';
}

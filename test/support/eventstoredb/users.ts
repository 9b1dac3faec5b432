/** Somebody the server knows. Whoever is in `$admins` may do everything. */
export interface User {
  readonly name: string;
  readonly password: string;
  readonly groups?: readonly string[];
}

/** Whom the server knows. Tests change it while the server runs; calls that are open go on as who began them. */
export class Users {
  readonly #byName = new Map<string, User>();

  constructor(users: readonly User[] = []) {
    for (const user of users) this.set(user);
  }

  /** Adds a user, or gives the one of that name another password and other groups. */
  set(user: User): void {
    this.#byName.set(user.name, user);
  }

  /** As a user that was deleted or disabled. */
  remove(name: string): void {
    this.#byName.delete(name);
  }

  /** Whose name and password these are, with a colon between them. */
  withCredentials(credentials: string): User | undefined {
    return [...this.#byName.values()].find(({ name, password }) => credentials === `${name}:${password}`);
  }
}

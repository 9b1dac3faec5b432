/** What a key may be used for. A key may hold several; none includes another. */
export const ROLES = ['producer', 'officer', 'regulator', 'admin', 'recipient'] as const;
export type Role = (typeof ROLES)[number];

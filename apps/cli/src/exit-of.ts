import { ActingRefused, KeyRefused, LimitReached, ProducerRefused, ProducersUnknown } from '@sijill/access';
import { ConfirmationRefused } from '@sijill/cases';
import { LaneTakenOver, OutcomeUnknown, StoreRefused, StoreUnavailable } from '@sijill/event-store';
import { FileUnreadable } from '@sijill/intake';
import { BackupRefused, ChangedNotLost, LossRefused, NoLedger } from '@sijill/ledger';
import { KeyChangeRefused, KeyFileUnusable, KeysNotAnnounced, SignerFailed } from '@sijill/notary';
import { ConfigInvalid, DatabaseUnavailable, PartOfAnother } from '@sijill/platform';
import { KeyringUnusable, VaultLost } from '@sijill/vault';
import { TooLongToPrint } from '@sijill/reports';
import { LogUnreadable } from './verification/log-source.js';
import { EXIT, WrongUse } from './exit-codes.js';

const WRONG_USE = [
  WrongUse,
  ConfigInvalid,
  PartOfAnother,
  KeyringUnusable,
  VaultLost,
  ActingRefused,
  KeyRefused,
  ProducerRefused,
  ProducersUnknown,
  BackupRefused,
  LossRefused,
  KeyChangeRefused,
  KeyFileUnusable,
  KeysNotAnnounced,
  TooLongToPrint,
];
const NO = [ConfirmationRefused, LimitReached, ChangedNotLost];
const UNREACHABLE = [
  StoreUnavailable,
  StoreRefused,
  DatabaseUnavailable,
  OutcomeUnknown,
  LaneTakenOver,
  FileUnreadable,
  LogUnreadable,
  NoLedger,
  SignerFailed,
];

/** The exit code of an error, and the line that is shown for it. */
export function exitOf(error: unknown): { code: number; line: string } {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (NO.some((kind) => error instanceof kind)) return { code: EXIT.no, line: message };
  if (WRONG_USE.some((kind) => error instanceof kind)) return { code: EXIT.wrongUse, line: message };
  if (UNREACHABLE.some((kind) => error instanceof kind)) return { code: EXIT.unreachable, line: message };
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && /^(E[A-Z]+|SQLITE_\w+|\d{2}\w{3})$/.test(code)) {
    return { code: EXIT.unreachable, line: `${name} (${code}): ${message}` };
  }
  return { code: EXIT.unreachable, line: `${name}: ${message}` };
}

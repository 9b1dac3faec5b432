import { pino, type Logger as PinoLogger } from 'pino';
import type { LogLevel } from './config.js';

export type Logger = PinoLogger;

/**
 * The process's log: JSON lines, pretty on a terminal, on standard error so that a command's answer stays clean.
 * Nothing that a producer or an officer sent is ever handed to it: callers log ids, counts, codes and positions.
 */
export function createLogger(level: LogLevel, destination: NodeJS.WriteStream = process.stderr): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  };
  if (destination.isTTY) {
    return pino({
      ...options,
      formatters: {},
      transport: { target: 'pino-pretty', options: { destination: 2, translateTime: 'HH:MM:ss' } },
    });
  }
  return pino(options, destination);
}

/** An error without the values that drivers like to quote in theirs (rows, parameters, details). */
export function describeError(error: unknown): { type: string; message: string; code?: string; stack?: string } {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error object' };
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack.split('\n').slice(1, 8).join('\n') }),
  };
}

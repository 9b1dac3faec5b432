import type { LoggerService } from '@nestjs/common';
import type { Logger } from '@sijill/platform';

/** Hands the framework's own log lines to ours; its routine lines are debug here. */
export function nestLogger(logger: Logger): LoggerService {
  const relay =
    (level: 'debug' | 'warn' | 'error' | 'fatal') =>
    (message: unknown, ...rest: unknown[]): void => {
      const context = rest.at(-1);
      const where = typeof context === 'string' && !context.includes('\n') ? { context } : {};
      logger[level](
        { ...where, ...(message instanceof Error ? { err: message } : {}) },
        message instanceof Error ? message.name : String(message),
      );
    };
  return {
    log: relay('debug'),
    verbose: relay('debug'),
    debug: relay('debug'),
    warn: relay('warn'),
    error: relay('error'),
    fatal: relay('fatal'),
  };
}

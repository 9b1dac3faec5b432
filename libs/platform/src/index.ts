export * from './claim.js';
export * from './clock.js';
export * from './config.js';
export * from './logging.js';
export * from './metrics.js';
export * from './processes.js';
export * from './random.js';
export * from './sql.js';

export * from './errors.js';
export * from './event-store.port.js';

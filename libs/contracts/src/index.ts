export * from './field-error.js';
export * from './views.js';

// Preloaded into a process and its threads: the store asks for the sync at every commit, and is not given it. What is left is
// SQLite's own setting in WAL mode, which syncs at checkpoints only.
const Database = require('better-sqlite3');

const { pragma } = Database.prototype;
Database.prototype.pragma = function (source, options) {
  return source === 'synchronous = FULL' ? this : pragma.call(this, source, options);
};

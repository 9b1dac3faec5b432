/** The direction of imports. A lib is entered through its index; see docs/ARCHITECTURE.md for why the arrows point this way. */
const lib = (name) => `^libs/${name}/src/`;
const mayImport = {
  contracts: [],
  transparency: [],
  policy: [],
  platform: [],
  'event-store': ['transparency', 'platform'],
  vault: ['transparency', 'platform', 'contracts'],
  intake: ['contracts', 'transparency', 'platform', 'event-store', 'vault'],
  'read-models': ['contracts', 'transparency', 'platform', 'event-store', 'vault'],
  access: ['contracts', 'transparency', 'platform', 'event-store', 'vault'],
  notary: ['contracts', 'transparency', 'platform', 'event-store', 'vault'],
  reports: ['contracts', 'transparency', 'platform', 'event-store', 'vault', 'read-models', 'access', 'notary'],
  cases: ['contracts', 'transparency', 'platform', 'event-store', 'vault', 'read-models', 'access'],
  ledger: [
    'contracts',
    'transparency',
    'platform',
    'event-store',
    'vault',
    'intake',
    'read-models',
    'access',
    'cases',
    'reports',
    'notary',
  ],
};
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'libs-through-their-index',
      severity: 'error',
      from: { path: '^(apps|bench|test)/' },
      to: { path: '^libs/[^/]+/src/', pathNot: '^libs/[^/]+/src/index\\.ts$' },
    },
    {
      name: 'libs-through-their-index-from-libs',
      severity: 'error',
      from: { path: '^libs/([^/]+)/' },
      to: { path: '^libs/[^/]+/src/', pathNot: ['^libs/$1/', '^libs/[^/]+/src/index\\.ts$'] },
    },
    { name: 'libs-know-no-app', severity: 'error', from: { path: '^libs/' }, to: { path: '^(apps|test|bench)/' } },
    {
      name: 'libs-know-no-framework',
      severity: 'error',
      from: { path: '^libs/', pathNot: '\\.spec\\.ts$' },
      to: { path: '(^|/)node_modules/@nestjs/' },
    },
    {
      name: 'apps-apart',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'tests-stay-tests',
      severity: 'error',
      from: { path: '^(apps|libs)/' },
      to: { path: '^test/' },
    },
    {
      name: 'adapters-apart',
      severity: 'error',
      from: { path: '^libs/event-store/src/(embedded|eventstoredb)/' },
      to: { path: '^libs/event-store/src/(embedded|eventstoredb)/', pathNot: '^libs/event-store/src/$1/' },
    },
    ...Object.entries(mayImport).map(([name, allowed]) => ({
      name: `direction-${name}`,
      severity: 'error',
      from: { path: lib(name), pathNot: '\\.spec\\.ts$' },
      to: { path: '^libs/', pathNot: [`^libs/${name}/`, ...allowed.map((other) => `^libs/${other}/src/index\\.ts$`)] },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^dist/|/target/)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};

export const FULL_RUN = process.env['SIJILL_TEST_FULL'] === '1';

/** The version of records that this pm writes. */
export const recordVersion = 2;

/**
 * What makes the record of one version that of the next: migrations[v] takes
 * what a record of version v holds. Formats begin with version 2: an older
 * record is set aside. Each later version keeps a fixture in
 * `test/engine/fixtures` and adds its step here.
 */
const migrations: Readonly<Record<number, (record: Record<string, unknown>) => Record<string, unknown>>> = {};

/** The record in the present version; null: no road leads there. */
export function migrate(version: number, record: Record<string, unknown>): Record<string, unknown> | null {
  let migrated = record;
  for (let at = version; at < recordVersion; at++) {
    const step = migrations[at];
    if (step === undefined) return null;
    migrated = step(migrated);
  }
  return migrated;
}

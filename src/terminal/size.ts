/** The size of the terminal; some answer 0 before they are laid out. Cells. */
export function terminalSize(): { columns: number; rows: number } {
  return { columns: Math.max(1, process.stdout.columns || 80), rows: Math.max(1, process.stdout.rows || 24) };
}

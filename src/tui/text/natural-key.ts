/**
 * What to compare with `<` so that numbers in a text are sorted by their value:
 * job-2 before job-10. Each run of digits gets how long it is put before it,
 * without leading zeros.
 */
export function naturalKey(text: string): string {
  return text.replace(/\d+/g, (digits) => {
    const number = digits.replace(/^0+(?=\d)/, "");
    // Of more than eight digits the length has two, after a 9.
    return `${number.length < 9 ? number.length : `9${String(Math.min(99, number.length)).padStart(2, "0")}`}${number}`;
  });
}

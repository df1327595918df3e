/** References to processes, as requests carry them. */
export function byId(value: string) {
  return { ref: { case: "id", value } } as const;
}

export function byName(value: string) {
  return { ref: { case: "name", value } } as const;
}

import { Cron } from "croner";

const nicknames = new Set(["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"]);
const maxLength = 256;

/**
 * What is wrong with a cron expression or a time zone; undefined if nothing is.
 *
 * @param now Milliseconds since the epoch: the expression must be due at some time after it.
 */
export function cronProblem(expression: string, timeZone: string, now: number): string | undefined {
  if (timeZone !== "" && !isTimeZone(timeZone)) {
    return `"${shorten(timeZone)}" is no time zone, such as "Europe/Berlin"`;
  }
  const text = expression.trim();
  if (text.length > maxLength) {
    return `must not be longer than ${maxLength} characters`;
  }
  // croner takes points in time as well; those have a field of their own.
  const fields = text.split(/\s+/).length;
  if (!nicknames.has(text.toLowerCase()) && fields !== 5 && fields !== 6) {
    return `"${shorten(text)}" must have five fields (minute, hour, day, month, day of the week) or six with seconds in front`;
  }
  try {
    return parse(text, timeZone).nextRun(new Date(now)) === null ? `"${text}" is never due` : undefined;
  } catch (error) {
    return `"${shorten(text)}": ${(error as Error).message.replace(/^Cron\w+: /, "")}`;
  }
}

/** The first time that is due after `after`, both milliseconds since the epoch; null: never. */
export function nextCron(expression: string, timeZone: string, after: number): number | null {
  return parse(expression.trim(), timeZone).nextRun(new Date(after))?.getTime() ?? null;
}

function parse(expression: string, timeZone: string): Cron {
  const mode = expression.startsWith("@") ? "auto" : "5-or-6-parts";
  return new Cron(expression, { paused: true, mode, ...(timeZone === "" ? {} : { timezone: timeZone }) });
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

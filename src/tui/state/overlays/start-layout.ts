import { wrapText } from "../../terminal/wrap.ts";
import { START_FIELDS, type StartForm } from "./overlay.ts";

/** What the form is made of where there is only so much room. */
export interface StartLayout {
  readonly width: number;
  readonly height: number;
  /** Whether each field has its hint below it, else the one in focus has it below all of them, else none has. */
  readonly hints: "each" | "focused" | "none";
  /** Whether a blank row is above the hint of the field in focus. */
  readonly blank: boolean;
  /** The fields in view, by index. */
  readonly from: number;
  readonly to: number;
  readonly error: readonly string[];
  /** Rows for the error. */
  readonly errorRows: number;
}

const WIDTH = 78;
const COUNT = START_FIELDS.length;
/** The border and the title. */
const AROUND = 3;
/** Rows that are kept for an error, so that the form stays where it is when there is one. */
const ERROR_ROWS = 2;

/** The field in focus comes first, then the error, then the other fields, then hints. */
export function startLayout(overlay: StartForm, area: { width: number; height: number }): StartLayout {
  const width = Math.max(1, Math.min(area.width, WIDTH));
  const error = overlay.error === "" ? [] : wrapText(overlay.error, width - 4);
  const errorRoom = Math.max(ERROR_ROWS, error.length);
  const each = AROUND + 3 * COUNT + 1 + errorRoom;
  if (each <= area.height) {
    return { width, height: each, hints: "each", blank: false, from: 0, to: COUNT, error, errorRows: errorRoom };
  }
  const height = Math.min(area.height, AROUND + COUNT + 2 + errorRoom);
  const room = Math.max(1, height - AROUND);
  const errorRows = Math.min(error.length, room - 1);
  const rows = Math.min(COUNT, room - errorRows);
  const focus = START_FIELDS.indexOf(overlay.focus);
  const from = Math.max(0, Math.min(focus - Math.floor(rows / 2), COUNT - rows));
  const left = room - errorRows - rows;
  return {
    width,
    height,
    hints: left > 0 ? "focused" : "none",
    blank: left > 1,
    from,
    to: from + rows,
    error,
    errorRows,
  };
}

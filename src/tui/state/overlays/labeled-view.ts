import { textWidth, visibleText, wrapText } from "../../terminal/wrap.ts";

/** A row of a page that is read by scrolling: a name and what there is to say, either may be empty. */
export interface PageLine {
  readonly look: "heading" | "plain" | "good" | "warning" | "bad";
  readonly label: string;
  /** Cells of the column that the label stands in; 0: there are no columns. */
  readonly labelWidth: number;
  readonly text: string;
}

/** Cells between the two columns. */
export const LABEL_GAP = 2;

export const BLANK_LINE: PageLine = { look: "plain", label: "", labelWidth: 0, text: "" };

/** A line over both columns. */
export function wholeLine(look: PageLine["look"], text: string): PageLine {
  return { look, label: "", labelWidth: 0, text };
}

/** The rows that a label and a text take beside each other, each in its own column. */
export function labeledLines(
  label: string,
  text: string,
  labelWidth: number,
  width: number,
  look: PageLine["look"] = "plain",
): PageLine[] {
  const labels = wrapText(label, labelWidth);
  const texts = wrapText(text, width - labelWidth - LABEL_GAP);
  return Array.from({ length: Math.max(labels.length, texts.length) }, (_, i) => ({
    look,
    label: labels[i] ?? "",
    labelWidth,
    text: texts[i] ?? "",
  }));
}

/** As wide as the longest label needs, at most `most`. */
export function labelColumn(labels: readonly string[], most: number): number {
  return labels.reduce((widest, label) => Math.min(most, Math.max(widest, textWidth(visibleText(label)))), 1);
}

/** How a cell looks. Colors are numbers: see {@link palette} and {@link rgb}; 0 is the terminal's default. */
export interface Style {
  readonly fg: number;
  readonly bg: number;
  /** A sum of {@link BOLD}, {@link DIM}, … */
  readonly flags: number;
}

export const BOLD = 1;
export const DIM = 2;
export const ITALIC = 4;
export const UNDERLINE = 8;
export const INVERSE = 16;
export const STRIKE = 32;

const PALETTE = 1 << 24;
const RGB = 2 << 24;

/** A color of the 256-color palette; 0 to 15 are the terminal's own theme. */
export function palette(index: number): number {
  return PALETTE | index;
}

/** A 24-bit color. */
export function rgb(red: number, green: number, blue: number): number {
  return RGB | (red << 16) | (green << 8) | blue;
}

export const PLAIN: Style = { fg: 0, bg: 0, flags: 0 };

function colorParameters(color: number, base: number): string {
  if (color === 0) {
    return "";
  }
  if ((color & RGB) !== 0) {
    return `;${base + 8};2;${(color >> 16) & 255};${(color >> 8) & 255};${color & 255}`;
  }
  const index = color & 255;
  if (index < 8) {
    return `;${base + index}`;
  }
  return index < 16 ? `;${base + 60 + index - 8}` : `;${base + 8};5;${index}`;
}

/** The SGR sequence (ECMA-48, 8.3.117) that sets exactly this style, whatever was set before. */
export function sgr(fg: number, bg: number, flags: number): string {
  let parameters = "0";
  if (flags !== 0) {
    parameters +=
      (flags & BOLD ? ";1" : "") +
      (flags & DIM ? ";2" : "") +
      (flags & ITALIC ? ";3" : "") +
      (flags & UNDERLINE ? ";4" : "") +
      (flags & INVERSE ? ";7" : "") +
      (flags & STRIKE ? ";9" : "");
  }
  return `\x1b[${parameters}${colorParameters(fg, 30)}${colorParameters(bg, 40)}m`;
}

function byte(value: number | undefined): number {
  return Math.min(255, Math.max(0, value ?? 0));
}

/** Applies the parameters of one SGR sequence. What pm does not show (blinking, concealment) is left out. */
export function applySgr(style: Style, parameters: string): Style {
  // Colons separate the sub-parameters of one color (ITU-T T.416); semicolons do as well in practice.
  const values = parameters === "" ? [0] : parameters.split(/[;:]/).map((text) => Number(text) || 0);
  let { fg, bg, flags } = style;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value === 0) {
      fg = 0;
      bg = 0;
      flags = 0;
    } else if (value === 38 || value === 48) {
      let color = 0;
      if (values[i + 1] === 5) {
        color = palette(byte(values[i + 2]));
        i += 2;
      } else if (values[i + 1] === 2) {
        color = rgb(byte(values[i + 2]), byte(values[i + 3]), byte(values[i + 4]));
        i += 4;
      }
      if (value === 38) {
        fg = color;
      } else {
        bg = color;
      }
    } else if (value >= 30 && value <= 37) {
      fg = palette(value - 30);
    } else if (value >= 40 && value <= 47) {
      bg = palette(value - 40);
    } else if (value >= 90 && value <= 97) {
      fg = palette(value - 82);
    } else if (value >= 100 && value <= 107) {
      bg = palette(value - 92);
    } else {
      switch (value) {
        case 1:
          flags |= BOLD;
          break;
        case 2:
          flags |= DIM;
          break;
        case 3:
          flags |= ITALIC;
          break;
        case 4:
          flags |= UNDERLINE;
          break;
        case 7:
          flags |= INVERSE;
          break;
        case 9:
          flags |= STRIKE;
          break;
        case 22:
          flags &= ~(BOLD | DIM);
          break;
        case 23:
          flags &= ~ITALIC;
          break;
        case 24:
          flags &= ~UNDERLINE;
          break;
        case 27:
          flags &= ~INVERSE;
          break;
        case 29:
          flags &= ~STRIKE;
          break;
        case 39:
          fg = 0;
          break;
        case 49:
          bg = 0;
          break;
      }
    }
  }
  return { fg, bg, flags };
}

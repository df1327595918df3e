import { isIPv6 } from "node:net";

/** Where to listen. */
export interface HostAndPort {
  /** An IP address or a name, without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** "box", "box:7443", "127.0.0.1:0", "[::1]:7443" or "::1"; undefined if it is none of these. */
export function parseHostAndPort(text: string, defaultPort: number): HostAndPort | undefined {
  if (isIPv6(text)) {
    return { host: text, port: defaultPort };
  }
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9](?:[a-z0-9.-]{0,252})))(?::(\d{1,5}))?$/i.exec(text);
  const [, ipv6, name, digits] = match ?? [];
  const host = ipv6 ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  return host === undefined || port > 65_535 || (ipv6 !== undefined && !isIPv6(ipv6)) ? undefined : { host, port };
}

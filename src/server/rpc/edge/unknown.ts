/**
 * What a request says that this daemon does not know: fields by number
 * (binary) or name (JSON), and values of enums. Dropping it in silence would
 * widen a destructive call, so that everything unknown is refused.
 */
import type { DescEnum, DescField, DescMessage, DescOneof, Message } from "@bufbuild/protobuf";
import { version } from "../../version.ts";
import type { Field } from "./field.ts";

const why = `it is misspelled, or the client is newer than this daemon (version ${version})`;

function refuseField(at: Field, what: string): void {
  at.refuse(`unknown field ${what}: ${why}`, "UNKNOWN_FIELD");
}

function refuseEnumValue(at: Field, value: unknown, { typeName }: DescEnum): void {
  at.refuse(`unknown value ${quote(value)} of ${typeName}: ${why}`, "UNKNOWN_FIELD");
}

function quote(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value);
}

/** Refuses what is unknown in a decoded message. Enums are open: their JSON may hold numbers, too. */
export function refuseUnknown(desc: DescMessage, message: Message, at: Field): void {
  for (const { no } of message.$unknown ?? []) {
    refuseField(at.child(String(no)), `number ${no} of ${desc.typeName}`);
  }
  const values = message as unknown as Record<string, unknown>;
  for (const member of nestedMembers(desc)) {
    const value = values[member.localName];
    if (member.kind === "oneof") {
      const set = value as { case?: string; value?: unknown };
      const field = member.fields.find(({ localName }) => localName === set.case);
      if (field !== undefined) {
        refuseUnknownIn(field, set.value, at);
      }
    } else if (value !== undefined) {
      refuseUnknownIn(member, value, at);
    }
  }
}

/** @param parent of the field */
function refuseUnknownIn(field: DescField, value: unknown, parent: Field): void {
  if (field.fieldKind === "list") {
    const items = value as unknown[];
    for (let index = 0; index < items.length; index++) {
      refuseUnknownValue(field, items[index], parent.child(field.name).item(index));
    }
  } else if (field.fieldKind === "map") {
    for (const [key, item] of Object.entries(value as object)) {
      refuseUnknownValue(field, item, parent.child(field.name).key(key));
    }
  } else {
    refuseUnknownValue(field, value, parent.child(field.name));
  }
}

function refuseUnknownValue(field: DescField, value: unknown, at: Field): void {
  if (field.message !== undefined) {
    refuseUnknown(field.message, value as Message, at);
  } else if (field.enum !== undefined && field.enum.value[value as number] === undefined) {
    refuseEnumValue(at, value, field.enum);
  }
}

/** The members in which something unknown can be; most fields are scalars. */
function nestedMembers(desc: DescMessage): readonly (DescField | DescOneof)[] {
  let members = nested.get(desc);
  if (members === undefined) {
    members = desc.members.filter((member) =>
      member.kind === "oneof" ? member.fields.some(isNested) : isNested(member),
    );
    nested.set(desc, members);
  }
  return members;
}

const nested = new WeakMap<DescMessage, readonly (DescField | DescOneof)[]>();

function isNested(field: DescField): boolean {
  return field.message !== undefined || field.enum !== undefined;
}

/** Refuses what is unknown in a message's JSON, of which nothing else is checked here. */
export function refuseUnknownJson(desc: DescMessage, json: unknown, at: Field): void {
  // The well-known types have a JSON of their own.
  if (!isObject(json) || desc.typeName.startsWith("google.protobuf.")) {
    return;
  }
  for (const [key, value] of Object.entries(json)) {
    const field = desc.fields.find(({ jsonName, name }) => jsonName === key || name === key);
    if (field === undefined) {
      refuseField(at.child(key.slice(0, 80)), `of ${desc.typeName}`);
      continue;
    }
    const here = at.child(field.name);
    if (field.fieldKind === "list" && Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        refuseUnknownJsonValue(field, item, here.item(index));
      }
    } else if (field.fieldKind === "map" && isObject(value)) {
      for (const [name, item] of Object.entries(value)) {
        refuseUnknownJsonValue(field, item, here.key(name));
      }
    } else {
      refuseUnknownJsonValue(field, value, here);
    }
  }
}

function refuseUnknownJsonValue(field: DescField, value: unknown, at: Field): void {
  if (field.message !== undefined) {
    refuseUnknownJson(field.message, value, at);
  } else if (field.enum !== undefined && isUnknownName(field.enum, value)) {
    refuseEnumValue(at, value, field.enum);
  }
}

function isUnknownName({ values }: DescEnum, value: unknown): boolean {
  return typeof value === "string" && !values.some(({ name }) => name === value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Long JSON texts, parsed piece by piece: the engine's own parser cannot be interrupted. */
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { isObject, parseJson, setMember } from "./json.ts";
import {
  closeBrace,
  closeBracket,
  comma,
  endOfString,
  exactFormInSteps,
  openBrace,
  openBracket,
  quote,
  stepLength,
  withNumbersInSteps,
} from "./json-text.ts";
import type { Steps } from "./turns.ts";

/**
 * As `parseJson`, a step at a time.
 * @param pieceLength  characters of a piece; shorter texts are parsed at once
 * @throws SyntaxError, DepthError, TooManyNumbersError
 */
export function* parseJsonInSteps(text: string, pieceLength = stepLength): Steps<JsonValue> {
  if (text.length <= pieceLength) return parseJson(text);
  const exact = yield* exactFormInSteps(text);
  if (exact === undefined) return yield* parseInPieces(text, pieceLength);
  const { marker, numbers } = exact;
  const value = yield* parseInPieces(exact.text, pieceLength);
  return numbers.length === 0 ? value : yield* withNumbersInSteps(value, marker, numbers);
}

/** A list or an object whose end has not been read. */
type Frame = {
  readonly start: number;
  readonly isList: boolean;
  /** What its pieces gave; `undefined` as long as it is part of a piece itself. */
  value: JsonValue[] | JsonObject | undefined;
  /** Where the text begins that is in no piece yet, and within it the item or member that is being read. */
  from: number;
  current: number;
  /** Name of the member that is in pieces itself. */
  name: string;
  /** That was read: only a comma or the end can follow. */
  isAfterPieces: boolean;
};

/**
 * Everything before a comma is read as soon as it is long: the items or members of the list or object that the comma is
 * in, and of those around it.
 */
function* parseInPieces(text: string, pieceLength: number): Steps<JsonValue> {
  const frames: Frame[] = [];
  let read = 0;
  let looked = 0;
  for (let i = 0; i < text.length; i++) {
    if (i - looked >= pieceLength) {
      looked = i;
      yield;
    }
    const code = text.charCodeAt(i);
    if (code === quote) i = endOfString(text, i);
    else if (code === openBrace || code === openBracket) frames.push(frameAt(i, code === openBracket));
    else if (code === comma) {
      const frame = frames.at(-1);
      if (frame === undefined) throw notJson();
      if (frame.isAfterPieces || i - read >= pieceLength) {
        readInto(frames, text);
        take(frame, text, i);
        read = i + 1;
      }
      frame.current = i + 1;
    } else if (code === closeBrace || code === closeBracket) {
      const frame = frames.pop();
      if (frame === undefined || frame.isList !== (code === closeBracket)) throw notJson();
      if (frame.value === undefined) continue;
      take(frame, text, i);
      read = i + 1;
      const parent = frames.at(-1);
      if (parent === undefined) {
        if (text.slice(0, frame.start).trim() + text.slice(i + 1).trim() !== "") throw notJson();
        return frame.value;
      }
      put(parent, parent.name, frame.value);
      parent.from = i + 1;
      parent.isAfterPieces = true;
    }
  }
  if (frames.length > 0) throw notJson();
  return parsed(text);
}

const frameAt = (start: number, isList: boolean): Frame => ({
  start,
  isList,
  value: undefined,
  from: start + 1,
  current: start + 1,
  name: "",
  isAfterPieces: false,
});

/** What is before the current item or member of each is read, and the one that holds the next gets a value of its own. */
function readInto(frames: readonly Frame[], text: string): void {
  const first = frames.findLastIndex(({ value }) => value !== undefined) + 1;
  for (const frame of frames.slice(first)) frame.value = frame.isList ? [] : {};
  for (let k = Math.max(first, 1); k < frames.length; k++) {
    const [parent, { start = 0 } = {}] = [frames[k - 1], frames[k]];
    if (parent === undefined) continue;
    if (parent.current > parent.from) take(parent, text, parent.current - 1);
    parent.name = nameBefore(parent, text.slice(parent.current, start));
  }
}

/** Reads the items or members that end at `end`, where a comma or the frame's own end is. */
function take(frame: Frame, text: string, end: number): void {
  const piece = text.slice(frame.from, end);
  const isBlank = piece.trim() === "";
  if (isBlank !== frame.isAfterPieces) throw notJson();
  frame.from = end + 1;
  frame.isAfterPieces = false;
  if (isBlank) return;
  const value = parsed(frame.isList ? `[${piece}]` : `{${piece}}`);
  if (Array.isArray(value)) for (const item of value) put(frame, "", item);
  else if (isObject(value)) for (const name of Object.keys(value)) put(frame, name, value[name]);
}

function put({ value }: Frame, name: string, item: JsonValue | undefined): void {
  if (Array.isArray(value)) value.push(item ?? null);
  else if (value !== undefined) setMember(value, name, item);
}

/** `"name":` before a value, or nothing in a list. */
function nameBefore({ isList }: Frame, text: string): string {
  if (isList) {
    if (text.trim() !== "") throw notJson();
    return "";
  }
  const value = parsed(`{${text}""}`);
  const [name, ...others] = isObject(value) ? Object.keys(value) : [];
  if (name === undefined || others.length > 0) throw notJson();
  return name;
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw notJson(); // the engine's own error speaks of a place in the piece
  }
}

const notJson = (): SyntaxError => new SyntaxError("the text is not valid JSON");

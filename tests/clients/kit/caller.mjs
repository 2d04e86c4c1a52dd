// The person who calls, for drivers in Node: what caller.py is for those in Python. Audio is 24 kHz, 16-bit, mono.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const BYTES_PER_MS = 48;
export const ADDRESS = process.env.CLIENT_ADDRESS;
const FRAME_MS = 20;
const FRAME_BYTES = BYTES_PER_MS * FRAME_MS;

/** One of the sentences that were spoken for the tests. */
export function speech(name) {
  const wav = readFileSync(join(process.env.CLIENT_SPEECH, `${name}.wav`));
  return wav.subarray(wav.indexOf('data') + 8);
}

/** Sends a frame every 20 ms of real time, as a microphone does: what is said, else silence. */
export class Microphone {
  #waiting = [];
  #said = () => {};
  #open = true;
  #muted = false;

  constructor(send) {
    this.#run(send);
  }

  /** Speak; resolves after the last word. */
  async say(name) {
    const pcm = speech(name);
    for (let at = 0; at < pcm.length; at += FRAME_BYTES) {
      const frame = Buffer.alloc(FRAME_BYTES);
      pcm.copy(frame, 0, at, Math.min(at + FRAME_BYTES, pcm.length));
      this.#waiting.push(frame);
    }
    await new Promise((resolve) => (this.#said = resolve));
  }

  /** Send nothing at all while nobody speaks: push-to-talk. */
  mute() {
    this.#muted = true;
  }

  close() {
    this.#open = false;
  }

  async #run(send) {
    for (let due = performance.now(); this.#open; due += FRAME_MS) {
      const frame = this.#waiting.shift() ?? (this.#muted ? undefined : Buffer.alloc(FRAME_BYTES));
      if (frame) send(new Uint8Array(frame).buffer);
      if (frame && this.#waiting.length === 0) this.#said();
      await sleep(Math.max(0, due + FRAME_MS - performance.now()));
    }
  }
}

/** A loudspeaker that plays in real time. */
export class Player {
  #began = 0;
  #ends = 0;

  play(pcm) {
    const now = performance.now();
    if (this.#ends < now) this.#began = this.#ends = now;
    this.#ends += pcm.byteLength / BYTES_PER_MS;
  }

  flush() {
    this.#ends = performance.now();
  }

  /** Until so much has been played without a pause. */
  async heard(ms) {
    await sleep(Math.max(0, this.#began + ms - performance.now()));
  }

  async finished() {
    await sleep(Math.max(0, this.#ends - performance.now()));
  }
}

/** Things that happen, in order, for somebody who waits for them. */
export class Happenings {
  #there = [];
  #waiting = [];

  put(value) {
    const waiter = this.#waiting.shift();
    if (waiter) waiter(value);
    else this.#there.push(value);
  }

  async get() {
    return this.#there.length ? this.#there.shift() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** Keep what was heard, for the test to listen to. */
export function keep(name, pcm) {
  writeFileSync(join(process.env.CLIENT_OUTPUT, `${name}.pcm`), pcm);
}

/** Hold the conversation, print the observations as the last line, and end. */
export async function run(conversation, deadlineMs = 60_000) {
  const late = setTimeout(() => fail(new Error('the conversation took too long')), deadlineMs);
  try {
    console.log(JSON.stringify(await conversation()));
  } catch (error) {
    fail(error);
  }
  clearTimeout(late);
  process.exit(0);
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

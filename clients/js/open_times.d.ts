/**
 * Open times, live: read by REST, less what is taken meanwhile by everybody, and read again when hours change or time is free
 * again.
 *
 * @typedef {{ start: string, end: string, date: string, time: string, practitioners: number[] }} OpenTime
 * @typedef {{ practitioner: number, start: string, end: string }} Taken
 * @typedef {{ before: number, after: number }} Buffers Minutes that a visit needs beside its own.
 * @typedef {{ start: string, practitioner: number }} Place
 * @typedef {{ taken: Taken[], schedule: string }} Availability `schedule` differs when hours, closures or services changed.
 */
export type OpenTime = {
    start: string;
    end: string;
    date: string;
    time: string;
    practitioners: number[];
};
export type Taken = {
    practitioner: number;
    start: string;
    end: string;
};
export type Buffers = {
    before: number;
    after: number;
};
export type Place = {
    start: string;
    practitioner: number;
};
export type Availability = {
    taken: Taken[];
    schedule: string;
};
import { Feed } from "./live.js";
/**
 * Times as they are free now: a person whose time is taken is out, and a time without anybody is gone. The visitor's own
 * hold takes nothing from them.
 * @param {OpenTime[]} times @param {Taken[]} taken @param {Buffers} buffers @param {Place | null} own @returns {OpenTime[]}
 */
export declare function withoutTaken(times: OpenTime[], taken: Taken[], buffers: Buffers, own: Place | null): OpenTime[];
/**
 * Whether time that was taken is free again: the open times have to be read anew to know them all.
 * @param {Taken[]} before @param {Taken[]} after
 */
export declare function hasFreed(before: Taken[], after: Taken[]): boolean;
/**
 * Of rows of one person and day, as the stream keeps them. An interval over midnight stands on both days.
 * @param {{ practitioner: number, taken: { start: string, end: string }[] }[]} days @param {Record<string, any>} facts
 * @returns {Availability}
 */
export declare function availabilityOf(days: {
    practitioner: number;
    taken: {
        start: string;
        end: string;
    }[];
}[], facts: Record<string, any>): Availability;
/** The taken time of a clinic: a public stream. */
export declare class LiveTaken {
    _onaway: () => void;
    _onstate: (isLive: boolean) => void;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    _timer: ReturnType<typeof setInterval> | undefined;
    _isLive: boolean;
    _feed: Feed;
    /**
     * @param {{ stream: string, query: Record<string, string>, onchange: (now: Availability) => void, onaway: () => void,
     *   onstate: (isLive: boolean) => void, load?: (address: string) => Promise<any> }} options
     *   `query` names a `clinic` or a `service`. While the stream is away, `onaway` asks to read the open times again now and then.
     */
    constructor({ stream, query, onchange, onaway, onstate, load }: {
        stream: string;
        query: Record<string, string>;
        onchange: (now: Availability) => void;
        onaway: () => void;
        onstate: (isLive: boolean) => void;
        load?: (address: string) => Promise<any>;
    });
    start(): void;
    stop(): void;
    _check(): void;
    /** @param {boolean} isLive */
    _say(isLive: boolean): void;
}
/** The open times of a few days, as one list that keeps itself right. */
export declare class LiveOpenTimes {
    _options: {
        read: () => Promise<OpenTime[]>;
        buffers?: Buffers;
        taken: (options: {
            onchange: (now: Availability) => void;
            onaway: () => void;
            onstate: (isLive: boolean) => void;
        }) => {
            start: () => void;
            stop: () => void;
        };
        onchange: (times: OpenTime[]) => void;
        onstate?: (state: "live" | "offline") => void;
        onproblem?: (problem: unknown) => void;
        spreadMs?: number;
    };
    _buffers: Buffers;
    /** @type {OpenTime[] | null} */
    _times: OpenTime[] | null;
    /** @type {Availability} */
    _now: Availability;
    /** @type {Place | null} */
    _own: Place | null;
    _isOver: boolean;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    _reading: ReturnType<typeof setTimeout> | undefined;
    _stream: {
        start: () => void;
        stop: () => void;
    };
    /**
     * @param {{ read: () => Promise<OpenTime[]>, buffers?: Buffers, taken: (options: { onchange: (now: Availability) => void,
     *   onaway: () => void, onstate: (isLive: boolean) => void }) => { start: () => void, stop: () => void },
     *   onchange: (times: OpenTime[]) => void, onstate?: (state: "live" | "offline") => void, onproblem?: (problem: unknown) => void,
     *   spreadMs?: number }} options `spreadMs`: not all visitors read anew at once.
     */
    constructor(options: {
        read: () => Promise<OpenTime[]>;
        buffers?: Buffers;
        taken: (options: {
            onchange: (now: Availability) => void;
            onaway: () => void;
            onstate: (isLive: boolean) => void;
        }) => {
            start: () => void;
            stop: () => void;
        };
        onchange: (times: OpenTime[]) => void;
        onstate?: (state: "live" | "offline") => void;
        onproblem?: (problem: unknown) => void;
        spreadMs?: number;
    });
    start(): Promise<void>;
    stop(): void;
    /** One's own hold takes nothing from the list. @param {Place | null} own */
    keep(own: Place | null): void;
    /** Read the open times anew. */
    read(): Promise<void>;
    _readSoon(): void;
    /** @param {Availability} now */
    _take(now: Availability): void;
    _tell(): void;
}

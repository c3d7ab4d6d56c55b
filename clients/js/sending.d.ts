export type Service = import("./error.js").Service;
export type Value = string | number | boolean | null | undefined;
export type Asked = {
    method: string;
    address: string;
    service?: Service;
    body?: object;
    headers?: Record<string, string>;
    token?: string | null;
    language?: string;
    signal?: AbortSignal;
    credentials?: RequestCredentials;
    fetch?: typeof globalThis.fetch;
};
export type Tokens = {
    token: (wanted: {
        refresh: boolean;
    }) => Promise<string | null>;
};
/**
 * @typedef {import("./error.js").Service} Service
 * @typedef {string | number | boolean | null | undefined} Value
 * @typedef {{ method: string, address: string, service?: Service, body?: object, headers?: Record<string, string>,
 *   token?: string | null, language?: string, signal?: AbortSignal, credentials?: RequestCredentials,
 *   fetch?: typeof globalThis.fetch }} Asked
 * @typedef {{ token: (wanted: { refresh: boolean }) => Promise<string | null> }} Tokens
 */
/** One request. @param {Asked} asked @returns {Promise<any>} `null` for an answer without a body. Throws ChairsideError. */
export declare function exchange({ method, address, service, body, headers, token, language, signal, ...own }: Asked): Promise<any>;
/**
 * With a token, and once more with a new one where it is refused.
 * @template Answer
 * @param {Tokens} tokens @param {(token: string | null) => Promise<Answer>} ask @returns {Promise<Answer>}
 */
export declare function withToken<Answer>(tokens: Tokens, ask: (token: string | null) => Promise<Answer>): Promise<Answer>;
/**
 * Again after no answer, 502, 503 and 504: at most three times, and no longer than ten seconds between two of them.
 * Give each try the same `Idempotency-Key`.
 * @template Answer
 * @param {() => Promise<Answer>} send @param {{ pause?: (ms: number) => Promise<void>, signal?: AbortSignal }} [options]
 * @returns {Promise<Answer>}
 */
export declare function sendAgain<Answer>(send: () => Promise<Answer>, { signal, pause }?: {
    pause?: (ms: number) => Promise<void>;
    signal?: AbortSignal;
}): Promise<Answer>;
/** @param {Record<string, Value>} values Those of null and undefined are left out. @returns {string} With its `?`, if it has any. */
export declare function queryOf(values: Record<string, Value>): string;
/** @returns {string} `crypto.randomUUID` is there on https and localhost alone. */
export declare function randomKey(): string;

/** The one error of this client: a refusal of either service, or no answer at all. */
export type Service = "rest" | "stream";
/** @typedef {"rest" | "stream"} Service */
export declare class ChairsideError extends Error {
    /** The service that refused. @type {Service} */
    service: Service;
    /** The HTTP status; 0: no answer came, and nobody knows whether it was done. @type {number} */
    status: number;
    /** Method and path of the request. @type {string} */
    endpoint: string;
    /** Stable, as the documents of both services list them; `no_answer` with status 0. @type {string} */
    code: string;
    /** The input at fault, where one is. @type {string | null} */
    attr: string | null;
    /** The row as it stands, with `stale_version`. @type {any} */
    current: any;
    /** The whole answer: what to do next, where it says so. @type {any} */
    body: any;
    /** How long to wait before another try, where the server says so. @type {number | null} */
    retryAfterMs: number | null;
    /**
     * @param {{ service?: Service, status: number, endpoint?: string, body?: any, retryAfterMs?: number | null, cause?: unknown }} answer
     */
    constructor({ service, status, endpoint, body, retryAfterMs, cause }: {
        service?: Service;
        status: number;
        endpoint?: string;
        body?: any;
        retryAfterMs?: number | null;
        cause?: unknown;
    });
    get hasNoAnswer(): boolean;
}

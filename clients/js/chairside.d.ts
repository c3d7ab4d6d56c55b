export type RestOperations = import("./rest.js").RestOperations;
export type StreamOperations = import("./stream.js").StreamOperations;
export type RestSchemas = import("./rest.js").RestSchemas;
export type Appointment = RestSchemas["AppointmentOutput"];
export type State = import("./live.js").State;
export type TokenPair = {
    access: string;
    refresh: string;
};
/**
 * Both services of Chairside, for a front end of your own: REST calls, live lists, holds, and tokens that renew themselves.
 *
 *     import { Chairside } from "https://clinic.example/clients/js/1.0.1/chairside.js";
 *
 *     const clinic = new Chairside({ api: "https://clinic.example", stream: "https://stream.example" });
 *     await clinic.signIn("paula@mail.example", "…");
 *     clinic.liveAppointments({ onchange: (rows) => draw(rows), onstate: (state) => show(state) });
 *     const { slots } = await clinic.call("GET /slots/soonest", { query: { service: 5 } });
 *     const held = await clinic.hold({ practitioner: slots[0].practitioners[0].id, start: slots[0].start });
 *     await held.book();
 *
 * @typedef {import("./rest.js").RestOperations} RestOperations
 * @typedef {import("./stream.js").StreamOperations} StreamOperations
 * @typedef {import("./rest.js").RestSchemas} RestSchemas
 * @typedef {RestSchemas["AppointmentOutput"]} Appointment
 * @typedef {import("./live.js").State} State
 * @typedef {{ access: string, refresh: string }} TokenPair
 */
import { ChairsideError } from "./error.js";
import { Feed } from "./live.js";
import { LiveOpenTimes } from "./open_times.js";
import { TokenKeeper } from "./tokens.js";
export { ChairsideError };
export type Extras = {
    headers?: Record<string, string>;
    key?: string;
    signal?: AbortSignal;
};
export type Given<Operation extends {
    given: object;
}> = {} extends Operation["given"] ? [given?: Operation["given"] & Extras] : [given: Operation["given"] & Extras];
export type LiveOptions<Row> = {
    query?: Record<string, string>;
    onchange: (rows: Row[], change: {
        upserts: Row[];
        removes: number[];
        isSnapshot: boolean;
    }) => void;
    onstate?: (state: State, reason: string) => void;
    heartbeatSeconds?: number;
};
/**
 * Parts of a request beside `path`, `query` and `body`. `key` is the `Idempotency-Key` of a POST: by default each has one of
 * its own.
 * @typedef {{ headers?: Record<string, string>, key?: string, signal?: AbortSignal }} Extras
 */
/**
 * @template {{ given: object }} Operation
 * @typedef {{} extends Operation["given"] ? [given?: Operation["given"] & Extras] : [given: Operation["given"] & Extras]} Given
 */
/**
 * @template Row
 * @typedef {{ query?: Record<string, string>, onchange: (rows: Row[], change: { upserts: Row[], removes: number[], isSnapshot: boolean }) => void,
 *   onstate?: (state: State, reason: string) => void, heartbeatSeconds?: number }} LiveOptions
 */
export declare class Chairside {
    api: string;
    stream: string;
    language: string | undefined;
    _fetch: typeof fetch | undefined;
    _load: ((address: string) => Promise<any>) | undefined;
    _ontokens: ((tokens: TokenPair | null) => void) | undefined;
    _pair: TokenPair | null;
    _tokens: TokenKeeper;
    /**
     * @param {object} options
     * @param {string} options.api The REST service, without a path.
     * @param {string} [options.stream] The stream, without a path; by default at the same address, as behind a gateway.
     * @param {string} [options.language] Of sentences in answers, as `de`.
     * @param {TokenPair | null} [options.tokens] Of an earlier sign-in.
     * @param {(tokens: TokenPair | null) => void} [options.ontokens] New tokens, to be kept; `null`: signed out.
     * @param {typeof globalThis.fetch} [options.fetch]
     * @param {(address: string) => Promise<any>} [options.load] Imports the stream's module.
     */
    constructor({ api, stream, language, tokens, ontokens, fetch, load }: {
        api: string;
        stream?: string;
        language?: string;
        tokens?: TokenPair | null;
        ontokens?: (tokens: TokenPair | null) => void;
        fetch?: typeof globalThis.fetch;
        load?: (address: string) => Promise<any>;
    });
    /** @param {string} username An e-mail address or a phone number. @param {string} password */
    signIn(username: string, password: string): Promise<{
        [claim: string]: any;
        user_id: number;
        role: string;
        iat: number;
        exp: number;
    }>;
    /** Ends the sign-in here and at the server. */
    signOut(): Promise<void>;
    get isSignedIn(): boolean;
    /** An access token; `null`: nobody is signed in. @param {{ refresh?: boolean }} [wanted] With `refresh` a new one. */
    token(wanted?: {
        refresh?: boolean;
    }): Promise<string | null>;
    /** For a browser that can only stream by EventSource. @returns {Promise<string | null>} */
    ticket(): Promise<string | null>;
    /**
     * Of the REST service, by method and path as its document has them, without `/api/v1`.
     * @template {keyof RestOperations} Name
     * @param {Name} name @param {Given<RestOperations[Name]>} given
     * @returns {Promise<RestOperations[Name]["answer"]>} Throws ChairsideError.
     */
    call<Name extends keyof RestOperations>(name: Name, ...given: Given<RestOperations[Name]>): Promise<RestOperations[Name]["answer"]>;
    /**
     * Of the stream: who is connected, whom a token is. Its lists are `liveAppointments` and the like.
     * @template {keyof StreamOperations} Name
     * @param {Name} name @param {Given<StreamOperations[Name]>} given
     * @returns {Promise<StreamOperations[Name]["answer"]>} Throws ChairsideError.
     */
    callStream<Name extends keyof StreamOperations>(name: Name, ...given: Given<StreamOperations[Name]>): Promise<StreamOperations[Name]["answer"]>;
    /**
     * Keep a time, with whoever is free unless a practitioner is named. Whoever is not signed in books it as a guest.
     * @param {RestOperations["POST /holds"]["given"]["body"]} wanted @param {Extras} [extras]
     */
    hold(wanted: RestOperations["POST /holds"]["given"]["body"], extras?: Extras): Promise<HeldTime>;
    /** @param {LiveOptions<Appointment>} options @returns {Feed} Already started; `stop` ends it. */
    liveAppointments(options: LiveOptions<Appointment>): Feed;
    /** Of a clinic, for those who work there. @param {LiveOptions<any>} options @returns {Feed} */
    liveHolds(options: LiveOptions<any>): Feed;
    /** One's own, the newest first. @param {LiveOptions<any>} options @returns {Feed} */
    liveNotifications(options: LiveOptions<any>): Feed;
    /**
     * Times that can be booked: of a day, of one person or of anybody, less what is taken meanwhile. For everybody.
     * @param {{ service: number, practitioner?: number, date?: string, from?: string, to?: string,
     *   onchange: (times: import("./open_times.js").OpenTime[]) => void, onstate?: (state: "live" | "offline") => void,
     *   onproblem?: (problem: unknown) => void, spreadMs?: number }} wanted
     * @returns {Promise<LiveOpenTimes>} Already started; `stop` ends it.
     */
    liveOpenTimes({ service, practitioner, date, from, to, onchange, onstate, onproblem, spreadMs }: {
        service: number;
        practitioner?: number;
        date?: string;
        from?: string;
        to?: string;
        onchange: (times: import("./open_times.js").OpenTime[]) => void;
        onstate?: (state: "live" | "offline") => void;
        onproblem?: (problem: unknown) => void;
        spreadMs?: number;
    }): Promise<LiveOpenTimes>;
    /** @param {"LiveAppointments" | "LiveHolds" | "LiveNotifications"} list @param {LiveOptions<any>} options */
    _live(list: "LiveAppointments" | "LiveHolds" | "LiveNotifications", { onchange, ...options }: LiveOptions<any>): Feed;
    /** @param {import("./error.js").Service} service @param {string} name @param {any} given @returns {Promise<any>} */
    _call(service: import("./error.js").Service, name: string, { path, query, body, headers, key, signal }?: any): Promise<any>;
    /**
     * @param {import("./error.js").Service} service @param {string} method @param {string} path
     * @param {{ body?: object, headers?: Record<string, string>, signal?: AbortSignal }} asked @param {boolean} isSigned
     * @returns {Promise<any>}
     */
    _send(service: import("./error.js").Service, method: string, path: string, asked: {
        body?: object;
        headers?: Record<string, string>;
        signal?: AbortSignal;
    }, isSigned: boolean): Promise<any>;
    /** A token that is used twice, as its answer was lost, is accepted again. @returns {Promise<import("./tokens.js").Fresh | null>} */
    _refresh(): Promise<import("./tokens.js").Fresh | null>;
    /** @param {TokenPair | null} pair */
    _keep(pair: TokenPair | null): void;
}
/** A time that is kept until `expiresAt`. Its token books it. */
export declare class HeldTime {
    _client: Chairside;
    id: number;
    token: string;
    practitioner: number;
    service: number | null;
    start: string;
    end: string;
    expiresAt: string | undefined;
    isRenewable: boolean | undefined;
    /** @param {Chairside} client @param {RestOperations["POST /holds"]["answer"]} hold */
    constructor(client: Chairside, hold: RestOperations["POST /holds"]["answer"]);
    /** @param {RestOperations["POST /holds"]["answer"]} hold */
    _take(hold: RestOperations["POST /holds"]["answer"]): void;
    /** Once, for as long again. */
    renew(): Promise<void>;
    /** For whoever is signed in. @param {Omit<RestSchemas["AppointmentInputRequest"], "hold">} [details] */
    book(details?: Omit<RestSchemas["AppointmentInputRequest"], "hold">): Promise<{
        id: number;
        clinic: number;
        patient: number;
        patient_name: string;
        patient_email: string;
        patient_phone: string;
        patient_phone_extension: string;
        patient_alert?: string;
        practitioner: number;
        practitioner_name: string;
        dentist: number;
        dentist_name: string;
        service: number | null;
        service_name: string | null;
        service_color: string | null;
        start: string;
        end: string;
        date: string;
        time: string;
        status: (import("./rest.js").RestSchemas["StatusEnum"]);
        attendance_confirmed_at: string | null;
        checked_in_at: string | null;
        arrived_at: string | null;
        called_at: string | null;
        requested_start: string | null;
        room: string;
        reference: string;
        request_note: string;
        notes?: string;
        cancel_reason: string;
        source: (import("./rest.js").RestSchemas["SourceEnum"]);
        series: number | null;
        allow_overlap: boolean;
        version: number;
        created_at: string;
        updated_at: string;
        undo_until?: string | null;
    }>;
    /** Without an account. @param {Omit<RestSchemas["GuestBookingInputRequest"], "hold">} details */
    bookAsGuest(details: Omit<RestSchemas["GuestBookingInputRequest"], "hold">): Promise<{
        status: (import("./rest.js").RestSchemas["StatusEnum"]);
        start: string;
        end: string;
        date: string;
        time: string;
        practitioner: number;
        practitioner_name: string;
        service: number | null;
        service_name: string | null;
        attendance_confirmed_at: string | null;
        arrived_at: string | null;
        called_at: string | null;
        requested_start: string | null;
        room: string;
        request_note: string;
        version: number;
        actions: Array<import("./rest.js").RestSchemas["ActionsEnum"]>;
        cancel_until: string;
        moves_left: number;
        patient_moves: (import("./rest.js").RestSchemas["PatientMovesEnum"]);
        clinic: (import("./rest.js").RestSchemas["VisitClinicOutput"]);
        reference: string;
    }>;
    release(): Promise<null>;
    get _authority(): {
        "X-Hold-Token": string;
    };
}

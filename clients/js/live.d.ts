/** Live rows, however long the stream itself is away: the module that keeps them is the stream's own. */
export type Row = {
    id: number | string;
    [field: string]: any;
};
export type Change = {
    upserts: Row[];
    removes: (number | string)[];
    isSnapshot: boolean;
};
export type State = "connecting" | "live" | "stale" | "offline" | "signed out";
export type Session = {
    token: (wanted: {
        refresh: boolean;
    }) => Promise<string | null>;
    ticket: () => Promise<string | null>;
};
/**
 * @typedef {{ id: number | string, [field: string]: any }} Row
 * @typedef {{ upserts: Row[], removes: (number | string)[], isSnapshot: boolean }} Change
 * @typedef {"connecting" | "live" | "stale" | "offline" | "signed out"} State
 * @typedef {{ token: (wanted: { refresh: boolean }) => Promise<string | null>, ticket: () => Promise<string | null> }} Session
 */
/** By the class of the stream's module that keeps the list. */
declare const PATHS: {
    LiveAppointments: string;
    LiveAvailability: string;
    LiveHolds: string;
    LiveNotifications: string;
};
export declare class Feed {
    _options: {
        stream: string;
        heartbeatSeconds?: number;
        session?: Session;
        list?: keyof typeof PATHS;
        query?: Record<string, string>;
        onrows: (rows: any[], change: any, live: any) => void;
        onstate?: (state: State, reason: string) => void;
        load?: (address: string) => Promise<any>;
    };
    _load: (address: string) => Promise<any>;
    _isWanted: boolean;
    /** @type {any} */
    _live: any;
    /**
     * @param {{ stream: string, heartbeatSeconds?: number, session?: Session, list?: keyof typeof PATHS,
     *   query?: Record<string, string>, onrows: (rows: any[], change: any, live: any) => void,
     *   onstate?: (state: State, reason: string) => void, load?: (address: string) => Promise<any> }} options
     *   Without a session, a list that is public. `load` imports a module; by default the browser does.
     */
    constructor(options: {
        stream: string;
        heartbeatSeconds?: number;
        session?: Session;
        list?: keyof typeof PATHS;
        query?: Record<string, string>;
        onrows: (rows: any[], change: any, live: any) => void;
        onstate?: (state: State, reason: string) => void;
        load?: (address: string) => Promise<any>;
    });
    start(): Promise<void>;
    /** After an end for good. */
    again(): void;
    stop(): void;
    /** @returns {Promise<any>} */
    _import(): Promise<any>;
}
export {};

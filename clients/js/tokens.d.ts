/** Access tokens: one question at a time, and a new one before the last expires. */
export type Fresh = {
    access: string;
    lifeMs: number;
};
/** @typedef {{ access: string, lifeMs: number }} Fresh */
export declare class TokenKeeper {
    _ask: () => Promise<Fresh | null>;
    /** @type {{ access: string, until: number } | null} */
    _kept: {
        access: string;
        until: number;
    } | null;
    /** @type {Promise<string | null> | null} */
    _asking: Promise<string | null> | null;
    /** @param {() => Promise<Fresh | null>} ask For a new token; `null`: nobody is signed in. */
    constructor(ask: () => Promise<Fresh | null>);
    /** With `refresh` a new one. `null`: nobody is signed in. @param {{ refresh?: boolean }} [wanted] @returns {Promise<string | null>} */
    token({ refresh }?: {
        refresh?: boolean;
    }): Promise<string | null>;
    /** @param {Fresh} fresh */
    keep({ access, lifeMs }: Fresh): void;
    forget(): void;
    /** @returns {Promise<string | null>} */
    _renew(): Promise<string | null>;
}
/** By the token itself. @param {string} access @returns {{ user_id: number, role: string, iat: number, exp: number, [claim: string]: any }} */
export declare function claimsOf(access: string): {
    user_id: number;
    role: string;
    iat: number;
    exp: number;
    [claim: string]: any;
};
/** Of a token that has just been issued: the device's clock may be wrong. @param {string} access @returns {number} */
export declare function lifeMsOf(access: string): number;

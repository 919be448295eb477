/** Attempts that a delivery has before it is given up (HA-11). */
export const ATTEMPTS_MAX = 4;

/** Pause after the first, the second and the third attempt (HA-11); seconds. */
export const RETRY_AFTER_S = [1, 5, 15];

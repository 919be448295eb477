import { z } from "zod";
import { originAnswer } from "../consents/wire.ts";
import { textOf } from "../http/bodyFields.ts";
import { limitUpTo, offset } from "../http/pageFields.ts";
import { storableDateOrTime } from "../http/storableTime.ts";

export const EVENTS_MAX = 1_000;

/** A URI or a text. */
const text = textOf(2_048);

/** SG-1. `action` must be there, also when it is null. */
export const eventInput = z.object(
  {
    subject: text,
    issuer: text,
    target: text,
    source: text.optional(),
    scope: text.default("default"),
    delegate: text.optional(),
    action: z.boolean("must be true, false or null").nullable(),
  },
  "must be an object",
);
export type EventInput = z.output<typeof eventInput>;

/** SG-2: one event, or up to 1,000. */
export const eventsInput = z.union([
  z
    .array(eventInput)
    .min(1, `must hold 1 to ${EVENTS_MAX} events`)
    .max(EVENTS_MAX, `must hold 1 to ${EVENTS_MAX} events`),
  eventInput,
]);

/** The same as `application/x-www-form-urlencoded`: an action is a word there. */
const ACTION_WORDS: Record<string, boolean | null> = { true: true, false: false, null: null };
export const eventForm = z
  .record(z.string(), z.string())
  .transform(({ action, ...others }) =>
    action === undefined
      ? others
      : { ...others, action: action in ACTION_WORDS ? ACTION_WORDS[action] : action },
  )
  .pipe(eventInput);

const subject = text.meta({ example: "foo@bar.example" });
const issuer = text.meta({ example: "https://foo.example" });
const target = text.meta({ example: "https://foo.example/policy" });

export const searchQuery = z.object({
  subject,
  issuer,
  target,
  source: text.optional(),
  scope: text.optional(),
  current: z
    .enum(["true", "false"], "must be true or false")
    .default("false")
    .transform((word) => word === "true"),
  match: z.enum(["exact", "prefix"], "must be exact or prefix").default("exact"),
  limit: limitUpTo(1_000, "1000"),
  after: text
    .optional()
    .describe("Id of an event: older ones than this. `Link` in an answer that is not the last leads on so"),
});
export type SearchInput = z.output<typeof searchQuery>;

/** In any case: it is read out on the phone. */
export const tokenParam = z.string().regex(/^[A-Za-z0-9]{6}$/);
export const keyFileParam = z.string().regex(/^[0-9a-f]{16}\.pem$/);

export const tokenQuery = z.object({
  all: z
    .enum(["true", "false"], "must be true or false")
    .default("false")
    .transform((word) => word === "true"),
});

/** A date stands for its beginning, UTC. */
const time = storableDateOrTime("must be a time or date in ISO 8601, from 1970 to 9999").optional();
export const statisticsQuery = z.object({ from: time, to: time });

export const RECEIPT_FORMATS = ["jwt", "kantara", "dpv"] as const;
export const receiptQuery = z.object({
  format: z.enum(RECEIPT_FORMATS, `must be one of ${RECEIPT_FORMATS.join(", ")}`).default("jwt"),
});

export const historyQuery = z.object({
  subject,
  issuer,
  target,
  scope: text.default("default"),
  limit: limitUpTo(1_000, "1000"),
  offset,
});

export const eventAnswer = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  scope: z.string(),
  subject: z.string().optional().describe("Absent once the subject is erased"),
  issuer: z.string(),
  target: z.string(),
  source: z.string().optional(),
  delegate: z.string().optional(),
  action: z.boolean().nullable(),
  token: z.string().regex(/^[A-Z0-9]{6}$/),
  createdAt: z.iso.datetime(),
});
export const eventsAnswer = z.array(eventAnswer);
export const eventOrEventsAnswer = z.union([eventAnswer, eventsAnswer]);

const counts = { total: z.int(), accepted: z.int(), declined: z.int(), noAction: z.int() };
export const statisticsAnswer = z.object({
  ...counts,
  subjects: z.int(),
  byTarget: z.array(z.object({ target: z.string(), ...counts })),
  byScope: z.array(z.object({ scope: z.string(), ...counts })),
  from: z.iso.datetime().nullable(),
  to: z.iso.datetime().nullable(),
});

export const receiptAnswer = z
  .union([z.object({ receipt: z.string() }), z.record(z.string(), z.unknown())])
  .describe("`{receipt}` with a JWT, a Kantara Consent Receipt, or JSON-LD");

export const historyAnswer = z.object({
  total: z.int().describe("How many records the thread holds, whatever part of it this is"),
  statement: z
    .string()
    .nullable()
    .describe(
      "JWS by the key of JWT receipts: how many records there are now, and which is the last. Null of none",
    ),
  records: z.array(
    z.object({
      event: eventAnswer,
      record: z.record(z.string(), z.unknown()),
      disclosures: z.array(z.string()),
      _sd: z.array(z.string()),
      origin: originAnswer,
      receipt: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
});

export const tokenForm = z.object({
  grant_type: z.string().optional(),
  scope: z.string().optional(),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
});
export type TokenForm = z.output<typeof tokenForm>;
export const accessTokenAnswer = z.object({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int(),
  scope: z.string(),
});

/** RFC 6749 §5.2. */
export const oauthErrorAnswer = z.object({ error: z.string(), error_description: z.string() });

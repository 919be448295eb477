import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono } from "hono";
import { graphql } from "ponder";

/**
 * Read-only, open to independent readers: GraphQL at / and /graphql. Ponder itself adds /status (indexed up to which block),
 * /health, /ready and /metrics.
 */
const app = new Hono();
app.use("/", graphql({ db, schema }));
app.use("/graphql", graphql({ db, schema }));

export default app;

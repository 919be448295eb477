import { METHOD_NAME_ALL, type Result, type Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

/**
 * Hono's routers for paths that overlap as ours do. Its fast one (RegExpRouter) takes no exact path beside a parameter
 * (`/v1/consents/holds`, `/v1/consents/:token`), and one such pair leaves all paths of an app to the slow one. Here an exact path comes
 * before one with a parameter, whichever was added first, and the others are told apart by their first segment, so that what overlaps
 * (`/consent/v0/…/:id`) slows nothing else. Middleware for all paths is added before any route.
 */
export class PathRouter<T> implements Router<T> {
  name = "PathRouter";
  readonly #exactPaths = new Set<string>();
  readonly #exact = new RegExpRouter<T>();
  readonly #byFirstSegment = new Map<string, Router<T>>();
  readonly #middleware: [method: string, path: string, handler: T][] = [];

  add(method: string, path: string, handler: T): void {
    if (path === "*" || path === "/*") {
      if (this.#byFirstSegment.size > 0)
        throw new Error("Middleware for all paths is added before any route");
      this.#middleware.push([method, path, handler]);
      this.#exact.add(method, path, handler);
    } else if (/\/:|\*/.test(path)) {
      this.#groupOf(path).add(method, path, handler);
    } else {
      this.#exactPaths.add(`${method} ${path}`);
      this.#exact.add(method, path, handler);
    }
  }

  match(method: string, path: string): Result<T> {
    const isExact = [method, METHOD_NAME_ALL].some((of) => this.#exactPaths.has(`${of} ${path}`));
    const router = (!isExact && this.#byFirstSegment.get(firstSegment(path))) || this.#exact;
    return router.match(method, path);
  }

  #groupOf(path: string): Router<T> {
    const segment = firstSegment(path);
    const known = this.#byFirstSegment.get(segment);
    if (known) return known;
    const group = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
    for (const added of this.#middleware) group.add(...added);
    this.#byFirstSegment.set(segment, group);
    return group;
  }
}

function firstSegment(path: string): string {
  const end = path.indexOf("/", 1);
  return end < 0 ? path : path.slice(0, end);
}

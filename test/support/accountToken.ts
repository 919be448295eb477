import { createHmac } from "node:crypto";
import { importPKCS8, type JWTPayload, SignJWT } from "jose";
import { createSecretBox } from "#api/secrets/secretBox.ts";
import { TEST_SECRET, type TestApi } from "./api.ts";

export type AccountToken = {
  claims: JWTPayload;
  /** Signs as the API does, with the key that signed the token. */
  sign(claims: JWTPayload, header?: object): Promise<string>;
  /** What somebody makes of it who knows the public key alone. */
  forged(): string[];
};

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (segment: string) => JSON.parse(Buffer.from(segment, "base64url").toString());

/** A token that the API has issued, taken apart, with the private key it was signed with. */
export async function openAccountToken({ db }: Pick<TestApi, "db">, token: string): Promise<AccountToken> {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const { kid } = decode(header);
  const claims = decode(payload);
  const { rows } = await db.pool.query(
    "SELECT public_jwk, private_key FROM app.account_token_keys WHERE kid = $1",
    [kid],
  );
  const { public_jwk, private_key } = rows[0];
  const pem = createSecretBox([TEST_SECRET]).open(private_key, `account-token-key:${kid}`).toString();
  const key = await importPKCS8(pem, "EdDSA");
  const withHs256 = (secret: Buffer | string) => {
    const signed = `${encode({ alg: "HS256", typ: "account+jwt", kid })}.${payload}`;
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  };
  return {
    claims,
    sign: (changed, more = { typ: "account+jwt" }) =>
      new SignJWT(changed).setProtectedHeader({ alg: "EdDSA", kid, ...more }).sign(key),
    forged: () => [
      ...["none", "None", "NONE"].flatMap((alg) =>
        ["", signature].map((end) => `${encode({ alg, typ: "account+jwt", kid })}.${payload}.${end}`),
      ),
      withHs256(Buffer.from(public_jwk.x, "base64url")),
      withHs256(public_jwk.x),
      withHs256(JSON.stringify(public_jwk)),
      `${header}.${payload}.`,
    ],
  };
}

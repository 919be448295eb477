/**
 * Why a signature is not "whole": shown to be wrong, or of a kind that is not checked. The message
 * is one sentence for people.
 */
export class SignatureFault extends Error {
  override name = "SignatureFault";
  readonly state: "broken" | "notChecked";

  constructor(state: SignatureFault["state"], why: string) {
    super(why);
    this.state = state;
  }
}

export function broken(why: string): SignatureFault {
  return new SignatureFault("broken", why);
}

export function notChecked(why: string): SignatureFault {
  return new SignatureFault("notChecked", why);
}

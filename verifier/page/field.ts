export type FieldName = "file" | "text" | "rpc" | "finality" | "key" | "publisher" | "contract" | "jwtKey";

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export function field(name: FieldName): Field {
  return document.querySelector<Field>(`#${name}`)!;
}

/** Says at a field what is wrong with it, and takes the keyboard there. */
export function showError(name: FieldName, message: string): void {
  field(name).setAttribute("aria-invalid", "true");
  document.querySelector(`#${name}-error`)!.textContent = message;
  field(name).focus();
}

export function clearErrors(): void {
  for (const invalid of document.querySelectorAll("[aria-invalid]")) invalid.removeAttribute("aria-invalid");
  for (const error of document.querySelectorAll(".error")) error.textContent = "";
}

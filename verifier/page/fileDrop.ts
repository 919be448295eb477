const DROPPING = "dropping";

/** Takes the first file that is dropped anywhere on `target`; the browser would open it in place of the page. */
export function acceptDrops(target: HTMLElement, useFile: (file: File) => Promise<void>): void {
  target.addEventListener("dragover", (event) => {
    event.preventDefault();
    target.classList.add(DROPPING);
  });
  target.addEventListener("dragleave", () => target.classList.remove(DROPPING));
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    target.classList.remove(DROPPING);
    const dropped = event.dataTransfer?.files[0];
    if (dropped !== undefined) void useFile(dropped);
  });
}

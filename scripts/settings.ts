/** `npm run settings`: prints docs/settings.md, every setting with its unit and default; a test keeps the file as this prints it. */
import { settingsPage } from "./settingsPage.ts";

process.stdout.write(settingsPage());

import { spawn } from "node:child_process";
import type { Socket } from "node:net";

// A shell that outlives us by one line: when our end of its input closes, also because we were killed with SIGKILL, it
// kills every process group that is still listed. An exit handler of ours would not run then.
const watchScript = `
groups=" "
while read -r change group; do
  case $change in
    add) groups="$groups$group " ;;
    forget) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done 2>/dev/null
`;

let watch: Socket | undefined;

function watchInput(): Socket {
  if (watch?.writable) return watch;
  const shell = spawn("sh", ["-c", watchScript], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  shell.unref();
  watch = shell.stdin as Socket;
  watch.unref();
  watch.on("error", () => {}); // a dead watch is replaced at the next start
  return watch;
}

/**
 * Has the process group `group` killed when this process ends, however it ends.
 * @returns a function that takes the group off the list again, for when it has ended by itself.
 */
export function watchForOrphans(group: number): () => void {
  const input = watchInput();
  input.write(`add ${group}\n`);
  return () => input.write(`forget ${group}\n`);
}

// Loaded into Ponder's process before Ponder itself. The channel to the launcher closes however the launcher ends, kill -9
// included. Ponder commits block by block and the next launcher gives back its schema's lock, so dying at once is safe; an
// orderly exit is not to be had here, because Ponder's logger waits for ever for a pipe that nobody reads any more.
process.once("disconnect", () => {
  process.kill(process.pid, "SIGKILL");
});

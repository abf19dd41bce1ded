// Ways between nodes that are cut on purpose, to see what a cluster does: the file `cut` in the
// store's folder lists nodes that nothing passes to or from. It is read at the start and on
// SIGUSR2; no file: nothing is cut. The machine's own network is not touched, and clients reach
// every node.
#pragma once

struct shell;

// Reads the file and does as it says.
void drill_read(struct shell *shell);

// `orpheus recover`: node/recover with real folders and a person who confirms.
#pragma once

// Runs the command with the arguments behind its name; gives the process's exit code: 0, 1 (a look
// found that something is lost), 64 (wrong usage), 65 (a store is damaged), 74 (the disk), 78
// (refused).
int recover_run(int argument_count, char *const *arguments);

// Its lines in the help.
const char *recover_usage(void);

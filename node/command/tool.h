// `orpheus backup`, `orpheus backup verify` and `orpheus restore`: the drivers of node/backup with
// a real folder, a real cluster and a person who watches.
#pragma once

// Run the command with the arguments behind its name; give the process's exit code: 0, 64 (wrong
// usage), 65 (the backup is damaged or its rows are wrong), 69 (no answer), 74 (the folder), 78
// (refused).
int tool_backup(int argument_count, char *const *arguments);
int tool_restore(int argument_count, char *const *arguments);

// Their lines in the help.
const char *tool_usage(void);

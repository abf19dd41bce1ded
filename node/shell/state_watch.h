// Tells people of copies whose rows are wrong (node/core/attest.h). Thread: core.
#pragma once

struct shell;

// Logs what was found since.
void state_watch_turn(struct shell *shell);

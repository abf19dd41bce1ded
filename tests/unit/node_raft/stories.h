// Scenarios a reader wants to see, each told on a fresh cluster: what must hold is judged on the
// way, what happened is a transcript in stories/NAME.txt.
#pragma once

#include "tests/unit/node_raft/cluster.h"

struct story {
    const char *name;
    size_t history_bytes; // of entries kept behind a checkpoint; 0: as the server
    // Returns what did not come out as told, or NULL.
    const char *(*tell)(struct cluster *cluster);
};

enum {
    STORY_COUNT = 11
};

extern const struct story stories[STORY_COUNT];

// Tells it: the transcript to `out_text` (freed by the caller, NULL: not wanted). Returns what did
// not come out, the oracle's word before the story's own; the text lives in `room`.
const char *story_run(const struct story *story, char room[ORACLE_TEXT_BYTES], char **out_text);

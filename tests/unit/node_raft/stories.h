// Scenarios a reader wants to see, each told on a fresh cluster: what must hold is judged on the
// way, what happened is a transcript in stories/NAME.txt.
#pragma once

#include "tests/unit/node_raft/cluster.h"

struct story {
    const char *name;
    size_t history_bytes; // of entries kept behind a checkpoint; 0: as the server
    uint32_t nodes;       // 0: three
    uint32_t founders;    // nodes 1, 2 …; 0: all
    // Returns what did not come out as told, or NULL.
    const char *(*tell)(struct cluster *cluster);
};

enum {
    STORY_COUNT = 29
};

extern const struct story stories[STORY_COUNT];

// member_stories.c: members that come and go.
const char *story_one_becomes_three_and_one_again(struct cluster *cluster);
const char *story_an_empty_learner_gets_no_vote(struct cluster *cluster);
const char *story_a_joint_config_outlives_its_leader(struct cluster *cluster);
const char *story_a_leader_is_removed(struct cluster *cluster);
const char *story_a_lost_store_is_another_replica(struct cluster *cluster);
const char *story_a_config_goes_back_with_its_entry(struct cluster *cluster);
const char *story_a_later_want_replaces_an_earlier_one(struct cluster *cluster);
const char *story_a_founder_that_gets_rows_leads_nothing(struct cluster *cluster);
const char *story_a_founder_that_comes_back_is_no_founder(struct cluster *cluster);
const char *story_what_nobody_wants_any_more_stands_still(struct cluster *cluster);
const char *story_who_was_removed_while_away_hears_so(struct cluster *cluster);

// install_stories.c: leaders that come and go where rows are needed.
const char *story_a_leader_brings_rows_before_it_may_decide(struct cluster *cluster);
const char *story_rows_of_an_earlier_leader_are_given_anew(struct cluster *cluster);
const char *story_who_gets_rows_votes_for_who_has_them(struct cluster *cluster);
const char *story_who_gives_rows_may_be_lost(struct cluster *cluster);
const char *story_an_old_word_begins_no_install(struct cluster *cluster);
const char *story_who_has_wrong_rows_remembers_it(struct cluster *cluster);
const char *story_a_learner_that_gets_rows_is_left_in_peace(struct cluster *cluster);

// Tells it: the transcript to `out_text` (freed by the caller, NULL: not wanted). Returns what did
// not come out, the oracle's word before the story's own; the text lives in `room`.
const char *story_run(const struct story *story, char room[ORACLE_TEXT_BYTES], char **out_text);

#include "node/shell/state_watch.h"

#include "node/shell/shell_internal.h"

void state_watch_turn(struct shell *shell) {
    struct node_stats now = node_stats(shell->node);
    if (now.states_differed != shell->states_differed) {
        struct attest_difference found = node_difference(shell->node);
        log_line(
            shell->log,
            LOG_ERROR,
            "state_differs",
            "group=%u index=%llu copy=%u text=\"the rows of this copy are not what entries made of "
            "them: its disk or program is at fault; where a majority agrees it is given them "
            "anew\"",
            found.group,
            (unsigned long long)found.index,
            found.node
        );
    }
    if (now.states_condemned != shell->states_condemned) {
        log_line(
            shell->log,
            LOG_ERROR,
            "state_condemned",
            "copies=%llu text=\"rows here are wrong, by what most copies have: those groups are "
            "not "
            "served from here until they are given anew\"",
            (unsigned long long)(now.states_condemned - shell->states_condemned)
        );
    }
    struct store_stats stored = store_stats(shell->store);
    if (stored.rotten != shell->rotten) {
        log_line(
            shell->log,
            LOG_ERROR,
            "rows_rotten",
            "times=%llu text=\"stored rows are damaged: look at this disk and memory; where other "
            "copies are whole the rows are given anew, one node alone needs a backup restored\"",
            (unsigned long long)(stored.rotten - shell->rotten)
        );
    }
    shell->rotten = stored.rotten;
    shell->states_differed = now.states_differed;
    shell->states_condemned = now.states_condemned;
}

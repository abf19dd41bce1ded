#include "node/shell/drill.h"

#include "node/gossip/gossip.h"
#include "node/shell/shell_internal.h"

#include <stdio.h>

// Its numbers; what is not one ends the list.
static size_t numbers_of(const char *path, uint32_t out_nodes[LIMIT_NODES]) {
    FILE *file = fopen(path, "r");
    size_t count = 0;
    if (file == NULL) {
        return 0;
    }
    while (count < LIMIT_NODES && fscanf(file, "%u", &out_nodes[count]) == 1) {
        count++;
    }
    (void)fclose(file);
    return count;
}

void drill_read(struct shell *shell) {
    if (shell->peers == NULL) {
        return;
    }
    SCOPED(arena_destroy) struct arena *arena = arena_create(1024);
    uint32_t nodes[LIMIT_NODES] = {0};
    size_t count = numbers_of(arena_format(arena, "%s/cut", shell->config->store), nodes);
    peers_cut(shell->peers, nodes, count);
    gossip_cut(shell->gossip, nodes, count);
    for (size_t at = 0; at < count; at++) {
        log_line(
            shell->log,
            LOG_WARN,
            "cut",
            "peer=%u text=\"a drill: the file 'cut' of the store's folder wants it\"",
            (unsigned)nodes[at]
        );
    }
    if (count == 0 && shell->cut) {
        log_line(shell->log, LOG_INFO, "healed", "text=\"no way is cut any more\"");
    }
    shell->cut = count > 0;
}

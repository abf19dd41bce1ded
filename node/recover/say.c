// What a person reads, at night, before typing the name of the cluster.
#include "node/recover/recover.h"
#include "proto/limits.h"
#include "scheduler/definition/catalog.h"

// A group that only agreed on who leads it has no time yet.
static void time_write(struct buffer *out, int64_t ms) {
    if (ms == 0) {
        buffer_append_text(out, "its beginning");
        return;
    }
    char text[WALL_TIME_ISO_BYTES];
    wall_time_iso((wall_time){ms}, text);
    buffer_append(out, bytes_of((const uint8_t *)text, sizeof(text)));
}

static void group_name(struct buffer *out, uint32_t group) {
    if (group == CATALOG_GROUP) {
        buffer_append_text(out, "system group");
    } else {
        buffer_format(out, "partition %u", group);
    }
}

static void
copy_say(const struct recover_look *look, uint32_t group, uint32_t at, struct buffer *out) {
    const struct recover_copy *copy = recover_copy_of(look, group, at);
    const struct recover_group *known = &look->groups[group];
    buffer_format(out, "  node %u: ", look->stores[at].node);
    if (!copy->there) {
        buffer_append_text(out, "no copy\n");
        return;
    }
    buffer_format(
        out,
        "term %llu, entries to %llu of term %llu (chain %016llx), committed to %llu, applied to "
        "%llu, newest ",
        (unsigned long long)copy->log.term,
        (unsigned long long)copy->log.last_index,
        (unsigned long long)copy->log.last_term,
        (unsigned long long)copy->log.last_chain.high,
        (unsigned long long)copy->log.commit_index,
        (unsigned long long)copy->log.applied_index
    );
    time_write(out, copy->log.time_ms);
    buffer_format(out, "; voted for node %u; members", copy->log.vote);
    for (uint32_t i = 0; i < copy->config.count; i++) {
        buffer_format(
            out,
            " %u%s",
            copy->config.members[i].node,
            copy->config.members[i].votes == 0 ? "*" : ""
        );
    }
    if (!copy->whole) {
        buffer_append_text(
            out, "; NOT WHOLE: it was being copied, or its rows are known to be wrong"
        );
    } else if (known->fate != RECOVER_NOTHING && known->best == at && look->store_count > 1) {
        buffer_append_text(out, "; the best");
    }
    buffer_append_text(out, "\n");
}

static void summary_say(const struct recover_look *look, struct buffer *out) {
    buffer_format(
        out, "%u of %u groups have lost their majority", look->lost_count, look->group_count
    );
    if (look->nothing_count > 0) {
        buffer_format(out, ", %u of them every copy", look->nothing_count);
    }
    buffer_append_text(out, "\n");
}

void recover_say(const struct recover_look *look, bool details, struct buffer *out) {
    for (uint32_t at = 0; at < look->store_count; at++) {
        buffer_format(out, "%s: node %u\n", look->stores[at].name, look->stores[at].node);
    }
    for (uint32_t group = 0; group < look->group_count; group++) {
        const struct recover_group *known = &look->groups[group];
        if (known->fate == RECOVER_LIVES && !details) {
            continue;
        }
        static const char *const fates[] = {
            [RECOVER_LIVES] = "lives",
            [RECOVER_LOST] = "has lost its majority",
            [RECOVER_NOTHING] = "has no copy left",
        };
        group_name(out, group);
        buffer_format(out, " %s\n", fates[known->fate]);
        for (uint32_t at = 0; details && at < look->store_count; at++) {
            copy_say(look, group, at, out);
        }
    }
    summary_say(look, out);
}

// --- what may be lost ----------------------------------------------------------------------------

static void
bound_of(const struct recover_look *look, uint32_t group, wall_time now, struct buffer *out) {
    const struct recover_group *known = &look->groups[group];
    const struct recover_copy *copy = recover_copy_of(look, group, known->best);
    uint64_t open = copy->log.last_index - copy->log.commit_index;
    group_name(out, group);
    if (!known->may_lack) {
        buffer_append_text(out, ": nothing that was acknowledged is lost");
    } else {
        buffer_append_text(out, ": what was acknowledged after ");
        time_write(out, copy->log.time_ms);
        buffer_format(out, " (entry %llu", (unsigned long long)copy->log.last_index);
        if (copy->log.time_ms > 0) {
            int64_t ago_s = (now.ms - copy->log.time_ms) / 1000;
            buffer_format(out, "; %lld s ago", (long long)ago_s);
        }
        buffer_append_text(out, ") may be lost");
        if (known->led) {
            buffer_format(
                out,
                "; this node led, so nothing is, unless another was elected since term %llu",
                (unsigned long long)copy->log.term
            );
        }
    }
    if (open > 0) {
        buffer_format(
            out,
            "; its last %llu entries were perhaps never acknowledged and are kept",
            (unsigned long long)open
        );
    }
    buffer_append_text(out, "\n");
}

void recover_say_bound(const struct recover_look *look, wall_time now, struct buffer *out) {
    int64_t oldest_ms = INT64_MAX;
    uint32_t lacking = 0;
    for (uint32_t group = 0; group < look->group_count; group++) {
        const struct recover_group *known = &look->groups[group];
        if (known->fate != RECOVER_LOST) {
            continue;
        }
        bound_of(look, group, now, out);
        int64_t at_ms = recover_copy_of(look, group, known->best)->log.time_ms;
        lacking += known->may_lack;
        bool counts = known->may_lack && at_ms > 0;
        oldest_ms = counts && at_ms < oldest_ms ? at_ms : oldest_ms;
    }
    if (look->nothing_count > 0) {
        buffer_format(
            out,
            "%u partitions have no copy left: their executions are gone, they answer 503 until a "
            "backup is restored into a new cluster\n",
            look->nothing_count
        );
    }
    if (lacking == 0) {
        buffer_append_text(out, "in sum: nothing that was acknowledged is lost\n");
        return;
    }
    buffer_format(
        out,
        "in sum: %u groups may lack what was acknowledged after their newest entry here, the "
        "oldest "
        "of which is of ",
        lacking
    );
    time_write(out, oldest_ms == INT64_MAX ? 0 : oldest_ms);
    buffer_append_text(out, "; how many entries that were, only the lost nodes knew\n");
}

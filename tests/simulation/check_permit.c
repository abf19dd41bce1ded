// Permits of task types (invariant 27), read from the rows of all groups that have a leader for
// certain: what is not known only makes the sums smaller. That a permit in use is a task in a
// worker's hands, the audit of each group has counted.
//
// Among several nodes it is also checked that no group holds more than its home knows of, and home
// gave no more than there is: then no sum can be wrong, whatever is on its way.

#include "proto/base/hash.h"
#include "scheduler/permit_home.h"
#include "scheduler/window.h"
#include "storage/keys.h"
#include "tests/simulation/checks.h"

static const char *const CHECKER = "limit";

enum {
    ARENA_BYTES = 4096
};

struct sums {
    struct scene *scene;
    struct arena *arena;
    const struct task_type *type;
    uint64_t hash;
    bool travels;
    int64_t now_ms; // the newest partition time
    struct permit_home_row home;
    bool home_known;
    uint64_t held;
    uint64_t used; // within the window
};

// False: there is no such row, or nobody knows.
static bool read_row(
    const struct sums *sums,
    uint32_t group,
    const struct key *key,
    const struct wire_record *record,
    void *out_row
) {
    struct store *store = fleet_store(sums->scene->fleet, (group_id)group);
    bytes value = BYTES_EMPTY;
    if (store == NULL || err_is(store_get(store, (group_id)group, key_bytes(key), &value))) {
        return false;
    }
    value = arena_copy(sums->arena, value);
    return !err_is(wire_decode(record, value, sums->arena, out_row));
}

static uint32_t
given_by_home(const struct sums *sums, uint32_t group, struct wire_u32_list counts) {
    for (uint32_t i = 0; i < sums->home.groups.count; i++) {
        if (sums->home.groups.items[i] == group) {
            return counts.items[i];
        }
    }
    return 0;
}

static uint64_t sum_of(struct wire_u32_list counts) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < counts.count; i++) {
        sum += counts.items[i];
    }
    return sum;
}

static void check_at_most(
    const struct sums *sums, uint32_t group, const char *what, uint64_t count, uint64_t most
) {
    if (count > most) {
        world_fail(
            sums->scene->world,
            CHECKER,
            "%s, group %u: %llu %s, but %llu are allowed",
            sums->type->name,
            group,
            (unsigned long long)count,
            what,
            (unsigned long long)most
        );
    }
}

static void check_group(struct sums *sums, uint32_t group) {
    struct limit_row row = {0};
    struct key key = key_limit(sums->hash);
    if (!read_row(sums, group, &key, &limit_row_record, &row)) {
        return;
    }
    int64_t oldest_ms = 0;
    int64_t window_ms = (int64_t)sums->type->rate_s * 1000;
    struct store *store = fleet_store(sums->scene->fleet, (group_id)group);
    int64_t now_ms = sums->travels ? store_group(store, (group_id)group).time_ms : sums->now_ms;
    uint32_t used = window_prune(&row, now_ms, window_ms, &oldest_ms);
    sums->held += row.held;
    sums->used += used;
    if (!sums->travels) {
        return;
    }
    if (sums->type->concurrent > 0) {
        check_at_most(sums, group, "tasks in progress", row.held, row.permits);
    }
    if (sums->type->rate > 0) {
        check_at_most(sums, group, "hand-outs in a window", used, row.tokens);
    }
    if (sums->home_known) {
        uint32_t permits = given_by_home(sums, group, sums->home.permits);
        uint32_t tokens = given_by_home(sums, group, sums->home.tokens);
        check_at_most(sums, group, "permits held", row.permits, permits);
        check_at_most(sums, group, "tokens held", row.tokens, tokens);
    }
}

static void check_type(struct sums *sums) {
    const struct scheduler_settings *settings = fleet_settings(sums->scene->fleet);
    group_id home = permit_home_group(settings, bytes_from_text(sums->type->name));
    struct key key = key_limit_home(sums->hash);
    sums->home_known = read_row(sums, home, &key, &permit_home_row_record, &sums->home);
    for (uint32_t group = 1; group < settings->group_count; group++) {
        check_group(sums, group);
    }
    if (sums->type->concurrent > 0) {
        uint64_t limit = (uint64_t)sums->type->concurrent;
        check_at_most(sums, 0, "tasks in progress", sums->held, limit);
        check_at_most(sums, home, "permits out", sum_of(sums->home.permits), limit);
    }
    if (sums->type->rate > 0) {
        uint64_t rate = (uint64_t)sums->type->rate;
        check_at_most(sums, home, "tokens out", sum_of(sums->home.tokens), rate);
        if (!sums->travels) {
            check_at_most(sums, 0, "hand-outs in a window", sums->used, rate);
        }
    }
}

static int64_t newest_time_ms(struct scene *scene) {
    int64_t newest_ms = 0;
    for (uint32_t group = 1; group < fleet_settings(scene->fleet)->group_count; group++) {
        struct store *store = fleet_store(scene->fleet, (group_id)group);
        int64_t time_ms = store == NULL ? 0 : store_group(store, (group_id)group).time_ms;
        newest_ms = time_ms > newest_ms ? time_ms : newest_ms;
    }
    return newest_ms;
}

void check_permits(struct scene *scene) {
    if (!scene->swarm.limits || world_failed(scene->world)) {
        return;
    }
    struct arena *arena = arena_create(ARENA_BYTES);
    for (uint32_t i = 0; i < scene->flows.type_count; i++) {
        const struct task_type *type = &scene->flows.types[i];
        struct sums sums = {
            .scene = scene,
            .arena = arena,
            .type = type,
            .hash = hash_sip64(bytes_from_text(type->name)),
            .travels = !fleet_is_alone(scene->fleet),
            .now_ms = newest_time_ms(scene),
        };
        if (task_type_is_limited(type)) {
            check_type(&sums);
        }
    }
    arena_destroy(&arena);
}

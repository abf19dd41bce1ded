#include "tests/simulation/archive.h"

#include "node/backup/restore.h"
#include "node/backup/take.h"
#include "node/backup/verify/verify.h"
#include "proto/base/check.h"
#include "proto/limits.h"
#include "storage/keys.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"
#include "tests/unit/node_backup/shelf.h"

#include <stdlib.h>

static const char *const CHECKER = "backup";

enum {
    ANSWER_SECONDS_MAX = 8, // then the question is asked again, perhaps of another node
    BIRTH_SECONDS = 3,      // of the other cluster: it elects
    AFTERLIFE_SECONDS = 20, // of it, with what was restored
    RESTORE_SECONDS_MAX = 120,
    LINGER_MS_MAX = 800, // before a mark
    NODES_MAX = 5
};

// A cluster that is asked, in its world, until a deadline.
struct door {
    struct world *world;
    struct fleet *fleet;
    int64_t end_ns;
};

struct archive {
    struct scene *scene;
    struct shelf *shelf;
    struct backup_folder folder;
    struct arena *arena;
    uint64_t begun_turn; // 0: not yet
    bool whole;
};

struct archive *archive_create(struct scene *scene) {
    struct archive *archive = calloc(1, sizeof(*archive));
    check(archive != NULL);
    archive->scene = scene;
    archive->shelf = shelf_create();
    archive->folder = shelf_folder(archive->shelf);
    archive->arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    return archive;
}

void archive_destroy(struct archive **archive) {
    if (*archive != NULL) {
        shelf_destroy(&(*archive)->shelf);
        arena_destroy(&(*archive)->arena);
        free(*archive);
        *archive = NULL;
    }
}

// --- a server that is asked ----------------------------------------------------------------------

struct slot {
    struct arena *arena;
    struct backup_answer answer;
    bool ended;
    bool answered;
};

static void answered(void *argument, const struct answer *answer) {
    struct slot *slot = argument;
    slot->ended = true;
    slot->answered = answer->outcome == OUTCOME_ANSWERED;
    slot->answer = (struct backup_answer
    ){.status = answer->status, .body = arena_copy(slot->arena, answer->body)};
}

static bool is_over(const struct door *door) {
    return world_failed(door->world) || world_mono(door->world).ns >= door->end_ns;
}

static void wait_ms(void *argument, int64_t ms) {
    const struct door *door = argument;
    int64_t end_ns = world_mono(door->world).ns + ms * WORLD_MS;
    while (world_mono(door->world).ns < end_ns && world_turn(door->world)) {
    }
}

// Between marks, so that messages cross from groups that are cut to groups that are not yet.
static void linger(struct door *door, const struct backup_question *question) {
    bytes path = bytes_from_text(question->path);
    if (bytes_ends_with(path, BYTES_LITERAL("/mark")) && world_maybe(door->world, 500)) {
        wait_ms(door, world_draw(door->world, 1, LINGER_MS_MAX));
    }
}

static err
ask(void *argument,
    const struct backup_question *question,
    struct arena *arena,
    struct backup_answer *out_answer) {
    struct door *door = argument;
    struct slot slot = {.arena = arena};
    struct question asked = {question->method, question->path, question->query, question->body};
    if (is_over(door)) {
        return err_make(ERR_INVALID, "no more time is given");
    }
    linger(door, question);
    uint64_t ticket = fleet_ask(door->fleet, &asked, answered, &slot);
    int64_t end_ns = world_mono(door->world).ns + ANSWER_SECONDS_MAX * WORLD_SECOND;
    while (!slot.ended && world_mono(door->world).ns < end_ns && world_turn(door->world)) {
    }
    if (!slot.ended) {
        fleet_leave(door->fleet, ticket);
    }
    if (!slot.answered) {
        return err_make(ERR_IO, "no node answers");
    }
    *out_answer = slot.answer;
    return ERR_NONE;
}

static int64_t now_ms(void *argument) {
    const struct door *door = argument;
    return world_mono(door->world).ns / WORLD_MS;
}

static struct backup_server server_of(struct door *door) {
    return (struct backup_server){door, ask, wait_ms, now_ms};
}

static void say(void *argument, const char *line) {
    world_trace(argument, "backup: %s", line);
}

// --- taking --------------------------------------------------------------------------------------

bool archive_take(struct archive *archive, int64_t ns_max) {
    struct scene *scene = archive->scene;
    struct door door = {scene->world, scene->fleet, world_mono(scene->world).ns + ns_max};
    const struct backup_server server = server_of(&door);
    const struct backup_session session = {&server, &archive->folder, say, scene->world};
    struct backup_taken taken;
    if (archive->whole) {
        return true;
    }
    if (archive->begun_turn == 0) {
        archive->begun_turn = world_turns(scene->world);
    }
    err done = backup_take(&session, 0, archive->arena, &taken);
    archive->whole = !err_is(done);
    world_trace(
        scene->world,
        "backup: %s, %llu rows, %llu entries, %u scans again",
        archive->whole ? "whole" : done.text,
        (unsigned long long)taken.rows,
        (unsigned long long)taken.entries,
        taken.again
    );
    if (done.code == ERR_CORRUPT) {
        world_fail(scene->world, CHECKER, "%s", done.text);
    }
    return archive->whole;
}

// --- judging -------------------------------------------------------------------------------------

// Whoever was promised to exist before the backup began is in it.
static void check_promised(struct archive *archive, struct store *store, uint32_t group_count) {
    struct scene *scene = archive->scene;
    for (size_t i = 0; i < ledger_workflow_count(scene->ledger); i++) {
        const struct ledger_workflow *known = ledger_workflow_at(scene->ledger, i);
        bool promised = known->started_turn != 0 && known->started_turn < archive->begun_turn &&
                        !known->remove_sent;
        group_id group = (group_id)(1 + id_slot(known->id) % (group_count - 1));
        struct key key = key_workflow(known->id);
        bytes value = BYTES_EMPTY;
        if (promised && err_is(store_get(store, group, key_bytes(&key), &value))) {
            world_fail(
                scene->world, CHECKER, "execution %s is in no row of it", id_text(known->id).text
            );
        }
    }
}

static void look(void *argument, struct store *store) {
    struct archive *archive = argument;
    struct scene *scene = archive->scene;
    (void)chronicle_compare(fleet_chronicle(scene->fleet), store, 0);
    check_promised(archive, store, fleet_settings(scene->fleet)->group_count);
}

static void check_verdict(struct archive *archive, err done, const struct backup_verdict *verdict) {
    struct world *world = archive->scene->world;
    if (err_is(done)) {
        world_fail(world, CHECKER, "it does not verify: %s", done.text);
    } else if (verdict->faults > 0) {
        world_fail(
            world, CHECKER, "its rows have %llu faults", (unsigned long long)verdict->faults
        );
    }
}

static void fault_note(void *argument, const char *line) {
    struct world *world = argument;
    world_trace(world, "backup: %s", line);
    world_fail(world, CHECKER, "rows of it: %s", line);
}

// --- the other cluster ---------------------------------------------------------------------------

static void other_stepped(void *argument, uint16_t number, bool wrote) {
    struct scene *other = argument;
    (void)fleet_stepped(other->fleet, number, wrote);
}

static void other_died(void *argument, uint16_t number) {
    struct scene *other = argument;
    fleet_died(other->fleet, number);
}

static void other_recovered(void *argument, uint16_t number) {
    struct scene *other = argument;
    fleet_recovered(other->fleet, number);
    (void)fleet_stepped(other->fleet, number, true);
}

static const struct machine *other_machine(void *argument, uint16_t number) {
    struct scene *other = argument;
    return fleet_machine(other->fleet, number);
}

static void pass_on(struct archive *archive, const struct scene *other) {
    if (world_failed(other->world)) {
        world_fail(
            archive->scene->world, CHECKER, "in the other cluster: %s", world_failure(other->world)
        );
    }
}

// What was restored lives for a while; a backup of that must verify as well.
static void live_on(struct archive *archive, struct scene *other, struct door *door) {
    struct shelf *shelf = shelf_create();
    const struct backup_folder folder = shelf_folder(shelf);
    const struct backup_server server = server_of(door);
    struct backup_session session = {&server, &folder, say, other->world};
    struct backup_taken taken;
    struct backup_verdict verdict;
    wait_ms(door, AFTERLIFE_SECONDS * 1000);
    if (!world_failed(other->world)) {
        check_rows(other);
    }
    door->end_ns = world_mono(other->world).ns + RESTORE_SECONDS_MAX * WORLD_SECOND;
    err done = backup_take(&session, 0, archive->arena, &taken);
    if (!err_is(done)) {
        session.progress = fault_note;
        session.progress_argument = archive->scene->world;
        done = backup_verify(&session, archive->arena, &verdict);
        check_verdict(archive, done, &verdict);
    } else if (!world_failed(other->world)) {
        world_fail(archive->scene->world, CHECKER, "what was restored gives none: %s", done.text);
    }
    pass_on(archive, other);
    shelf_destroy(&shelf);
}

static void restore(struct archive *archive, struct scene *other) {
    struct door door = {
        other->world,
        other->fleet,
        world_mono(other->world).ns + RESTORE_SECONDS_MAX * WORLD_SECOND,
    };
    const struct backup_server server = server_of(&door);
    const struct backup_session session = {&server, &archive->folder, say, other->world};
    struct backup_restored restored;
    wait_ms(&door, BIRTH_SECONDS * 1000);
    err done = backup_restore(&session, archive->arena, &restored);
    pass_on(archive, other);
    if (err_is(done)) {
        world_fail(archive->scene->world, CHECKER, "it is not restored: %s", done.text);
    }
    if (!world_failed(archive->scene->world)) {
        live_on(archive, other, &door);
    }
}

static void restore_elsewhere(struct archive *archive) {
    struct scene *scene = archive->scene;
    struct scene other = {.definitions = scene->definitions, .scratch = scene->scratch};
    other.world = world_create(world_seed(scene->world), false);
    other.swarm = scene->swarm;
    other.swarm.node_count = (uint16_t)world_draw(scene->world, 1, NODES_MAX);
    other.swarm.alone = other.swarm.node_count == 1;
    const struct machine_watch watch = {
        &other, other_stepped, other_recovered, other_died, other_machine};
    other.fleet = fleet_create(other.world, &other.swarm, &watch);
    restore(archive, &other);
    world_trace(
        scene->world,
        "backup: restored into %u nodes, trace %016llx",
        other.swarm.node_count,
        (unsigned long long)world_trace_hash(other.world)
    );
    fleet_destroy(&other.fleet);
    world_destroy(&other.world);
}

void archive_check(struct archive *archive) {
    struct scene *scene = archive->scene;
    const struct backup_session session = {NULL, &archive->folder, fault_note, scene->world};
    struct backup_verdict verdict = {0};
    err done = backup_verify_looking(&session, archive->arena, look, archive, &verdict);
    check_verdict(archive, done, &verdict);
    if (!world_failed(scene->world)) {
        restore_elsewhere(archive);
    }
}

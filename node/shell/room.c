// A round: measure, then make or give up the ballast as the core's newest judgement wants it, then
// measure again if that changed something. The judgement counts the ballast as used whether it is
// there or not, so making it again never brings a limit near.
//
// The ballast is allocated, not written: a file system that allocates lazily would give nothing
// back. One that copies on write gives back less; what is left is what the limits keep.
#include "node/shell/room.h"

#include "node/shell/shell_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    MIB = 1024 * 1024
};

enum ballast_wish {
    BALLAST_AS_IT_IS,
    BALLAST_HELD,
    BALLAST_GIVEN_UP
};

// One round on the thread.
struct round {
    const char *store;
    const char *ballast;
    uint64_t wanted_bytes; // as configured
    enum ballast_wish wish;
    bool measured; // the device answered
    struct disk_measure disk;
};

struct room {
    struct shell *shell;
    struct worker *worker;
    struct event *due;
    struct event *done;
    struct round round;       // the thread's while it has work
    struct disk_measure disk; // the newest
};

// --- a round
// ----------------------------------------------------------------------------------------------

static void measure(struct round *round) {
    struct statvfs device;
    struct stat ballast;
    round->measured = statvfs(round->store, &device) == 0;
    if (!round->measured) {
        return;
    }
    uint64_t unit = device.f_frsize;
    uint64_t most = (uint64_t)device.f_blocks * unit / LIMIT_DISK_BALLAST_PART;
    round->disk = (struct disk_measure){
        .used_bytes = (device.f_blocks - device.f_bfree) * unit,
        .free_bytes = (uint64_t)device.f_bavail * unit,
        .ballast_bytes = round->wanted_bytes < most ? round->wanted_bytes : most,
        .ballast_held = round->wanted_bytes == 0 || stat(round->ballast, &ballast) == 0,
    };
}

static void ballast_make(const struct round *round) {
    int file = open(round->ballast, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) {
        return;
    }
    bool made = posix_fallocate(file, 0, (off_t)round->disk.ballast_bytes) == 0;
    (void)close(file);
    if (!made) {
        (void)unlink(round->ballast);
    }
}

// Room for it, and as much again for what is written meanwhile.
static bool fits(const struct round *round) {
    return round->disk.free_bytes / 2 > round->disk.ballast_bytes;
}

static err run(void *argument) {
    struct round *round = argument;
    measure(round);
    if (!round->measured || round->wanted_bytes == 0) {
        return ERR_NONE;
    }
    if (round->wish == BALLAST_GIVEN_UP && round->disk.ballast_held) {
        (void)unlink(round->ballast);
        measure(round);
    } else if (round->wish == BALLAST_HELD && !round->disk.ballast_held && fits(round)) {
        ballast_make(round);
        measure(round);
    }
    return ERR_NONE;
}

static struct round
round_of(const struct config *config, enum ballast_wish wish, struct arena *arena) {
    return (struct round){
        .store = config->store,
        .ballast = arena_format(arena, "%s/ballast", config->store),
        .wanted_bytes = (uint64_t)config->ballast_mib * MIB,
        .wish = wish,
    };
}

// --- telling the core
// -------------------------------------------------------------------------------------

static void log_change(const struct room *room, enum room_level was, struct fitness now) {
    if (was != now.room) {
        log_line(
            room->shell->log,
            now.room > was ? LOG_WARN : LOG_INFO,
            "disk_room",
            "level=%s was=%s used_permille=%u free_bytes=%llu ballast=%s text=\"%s\"",
            room_level_name(now.room),
            room_level_name(was),
            now.used_permille,
            (unsigned long long)room->disk.free_bytes,
            room->disk.ballast_held ? "held" : "given_up",
            now.room == ROOM_ENOUGH ? "everything is done again"
            : now.room == ROOM_SOFT ? "no new executions are started until there is room"
                                    : "only what finishes or deletes executions is done; free some "
                                      "space or delete executions"
        );
    }
}

static void tell(struct room *room) {
    if (!room->round.measured) {
        log_line(room->shell->log, LOG_WARN, "disk_unmeasured", "store=%s", room->round.store);
        return;
    }
    room->disk = room->round.disk;
    enum room_level was = node_fitness(room->shell->node).room;
    struct node_event event = {.kind = NODE_DISK, .disk = &room->disk};
    shell_step(room->shell, &event);
    struct fitness now = node_fitness(room->shell->node);
    log_change(room, was, now);
    room->round.wish = now.room == ROOM_HARD ? BALLAST_GIVEN_UP : BALLAST_HELD;
}

static void arm(struct room *room) {
    struct timeval wait = {.tv_usec = (suseconds_t)LIMIT_DISK_LOOK_MS * 1000};
    (void)evtimer_add(room->due, &wait);
}

static void on_due(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    struct room *room = argument;
    worker_submit(room->worker, run, &room->round);
}

static void on_done(evutil_socket_t descriptor, short what, void *argument) {
    (void)descriptor;
    (void)what;
    struct room *room = argument;
    if (worker_take_done(room->worker)) {
        tell(room);
        arm(room);
    }
}

// --- life
// -------------------------------------------------------------------------------------------------

void room_make(const struct config *config, const struct log *log, struct arena *arena) {
    struct round round = round_of(config, BALLAST_AS_IT_IS, arena);
    measure(&round);
    bool full = round.measured && disk_used_permille(&round.disk) >= LIMIT_DISK_HARD_PERMILLE;
    if (full && round.wanted_bytes > 0 && unlink(round.ballast) == 0) {
        log_line(log, LOG_WARN, "ballast_given_up", "text=\"the disk is full at the start\"");
    }
}

err room_start(struct shell *shell, struct arena *arena) {
    struct room *room = calloc(1, sizeof(*room));
    check(room != NULL);
    *room = (struct room){
        .shell = shell,
        .round = round_of(shell->config, BALLAST_AS_IT_IS, arena),
    };
    shell->room = room;
    TRY(worker_create(shell->log, "room", &room->worker));
    room->due = event_new(shell->base, -1, 0, on_due, room);
    int descriptor = worker_descriptor(room->worker);
    room->done = event_new(shell->base, descriptor, EV_READ | EV_PERSIST, on_done, room);
    check(room->due != NULL && room->done != NULL);
    (void)event_add(room->done, NULL);
    (void)run(&room->round); // the first judgement stands before the first request
    tell(room);
    on_due(-1, 0, room);
    return ERR_NONE;
}

void room_stop(struct room **room_at) {
    struct room *room = *room_at;
    if (room == NULL) {
        return;
    }
    worker_destroy(&room->worker);
    if (room->due != NULL) {
        event_free(room->due);
        event_free(room->done);
    }
    free(room);
    *room_at = NULL;
}

struct disk_measure room_measured(const struct room *room) {
    return room->disk;
}

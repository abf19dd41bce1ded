// Every change of the clock's state is one line that names the fault and what it costs; the figures
// beside it are in /metrics and GET /api/cluster.
#include "node/shell/clock_watch.h"

#include "node/shell/clocks.h"
#include "node/shell/shell_internal.h"
#include "proto/limits.h"

#include <stdio.h>

// --- the file ------------------------------------------------------------------------------------

static int64_t shift_read(const char *path, int64_t otherwise) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    char text[32] = "";
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    int64_t shift_ms = otherwise;
    (void)bytes_parse_i64(bytes_trim(bytes_of(text, size)), &shift_ms);
    return shift_ms;
}

wall_time clock_watch_wall(struct shell *shell) {
    wall_time wall = clocks_wall();
    if (shell->config->clock_file[0] == '\0') {
        return wall;
    }
    struct clock_watch *watch = &shell->clock;
    mono_time now = clocks_mono();
    if (watch->read.ns == 0 || now.ns - watch->read.ns >= LIMIT_CLOCK_FILE_MS * 1000000LL) {
        watch->shift_ms = shift_read(shell->config->clock_file, watch->shift_ms);
        watch->read = now;
    }
    return (wall_time){wall.ms + watch->shift_ms};
}

bool clock_watch_is_trusted(const struct shell *shell) {
    bool own = shell->config->clock_file[0] == '\0';
    return shell->config->clock_confirmed || (own && clocks_are_kept());
}

// --- what changed --------------------------------------------------------------------------------

static void tell_sick(const struct shell *shell, const struct cluster_time_status *now) {
    log_line(
        shell->log,
        LOG_ERROR,
        "clock_sick",
        "off_ms=%lld text=\"this machine's clock is wrong by what most nodes agree on: until it is "
        "set right this node leads nothing and fires no timers\"",
        (long long)now->off_ms
    );
}

static void tell_trust(const struct shell *shell, const struct cluster_time_status *now) {
    if (now->trusted) {
        log_line(shell->log, LOG_INFO, "clock_confirmed", "text=\"timers fire from now on\"");
        return;
    }
    log_line(
        shell->log,
        LOG_WARN,
        "clock_unconfirmed",
        "leap_ms=%lld wait_ms=%lld text=\"the clock is far past the newest entry: timers wait "
        "until "
        "it was steady for so long, or start with --clock-confirmed true when it is right\"",
        (long long)now->leap_ms,
        (long long)now->wait_ms
    );
}

static void tell_quarrel(const struct shell *shell, const struct cluster_time_status *now) {
    if (now->quarrel) {
        log_line(
            shell->log,
            LOG_ERROR,
            "clocks_disagree",
            "off_ms=%lld text=\"no majority of the nodes' clocks agrees: time runs on as it did; "
            "set "
            "the clocks right\"",
            (long long)now->off_ms
        );
    } else {
        log_line(shell->log, LOG_INFO, "clocks_agree", "off_ms=%lld", (long long)now->off_ms);
    }
}

void clock_watch_turn(struct shell *shell) {
    struct cluster_time_status *told = &shell->clock.told;
    struct cluster_time_status now = node_clock(shell->node);
    if (now.sick && !told->sick) {
        tell_sick(shell, &now);
    } else if (told->sick && !now.sick) {
        log_line(shell->log, LOG_INFO, "clock_well", "off_ms=%lld", (long long)now.off_ms);
    }
    bool begins_untrusted = now.known && !now.trusted && !told->known;
    if (begins_untrusted || (told->known && now.trusted != told->trusted)) {
        tell_trust(shell, &now);
    }
    if (now.quarrel != told->quarrel) {
        tell_quarrel(shell, &now);
    }
    if (now.steps != told->steps) {
        log_line(
            shell->log, LOG_WARN, "clock_stepped", "steps=%llu", (unsigned long long)now.steps
        );
    }
    *told = now;
}

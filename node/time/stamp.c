//   sent 8, echo 8, held 8, wall 8, flags 1; big-endian
#include "node/time/stamp.h"

#include "proto/base/bytes.h"

static const uint64_t MONO_US_MAX = 1ULL << 60;
static const int64_t WALL_US_MAX = 1LL << 60;

enum {
    FLAG_TRUSTED = 1,
    FLAG_ASKS = 2
};

void stamp_write(const struct stamp *stamp, uint8_t out[STAMP_BYTES]) {
    bytes_put_u64(out, stamp->sent_us);
    bytes_put_u64(out + 8, stamp->echo_us);
    bytes_put_u64(out + 16, stamp->held_us);
    bytes_put_u64(out + 24, (uint64_t)stamp->wall_us);
    out[32] = (uint8_t)((stamp->trusted ? FLAG_TRUSTED : 0) | (stamp->asks ? FLAG_ASKS : 0));
}

err stamp_take(bytes *rest, struct stamp *out_stamp) {
    if (rest->size < STAMP_BYTES) {
        return err_make(ERR_CORRUPT, "a stamp of clocks is cut short");
    }
    const uint8_t *at = rest->data;
    struct stamp stamp = {
        .sent_us = bytes_get_u64(at),
        .echo_us = bytes_get_u64(at + 8),
        .held_us = bytes_get_u64(at + 16),
        .wall_us = (int64_t)bytes_get_u64(at + 24),
        .trusted = (at[32] & FLAG_TRUSTED) != 0,
        .asks = (at[32] & FLAG_ASKS) != 0,
    };
    bool possible = stamp.sent_us < MONO_US_MAX && stamp.echo_us < MONO_US_MAX &&
                    stamp.held_us < MONO_US_MAX && stamp.wall_us < WALL_US_MAX &&
                    stamp.wall_us > -WALL_US_MAX && at[32] <= (FLAG_TRUSTED | FLAG_ASKS);
    if (!possible) {
        return err_make(ERR_CORRUPT, "a stamp shows what no clock does");
    }
    *out_stamp = stamp;
    *rest = bytes_slice(*rest, STAMP_BYTES, rest->size);
    return ERR_NONE;
}

#include "node/peer/doorbell.h"

#include "proto/base/check.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

err doorbell_init(struct doorbell *bell) {
    atomic_init(&bell->rung, false);
    bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return bell->fd < 0 ? err_make(ERR_IO, "no descriptor for an event") : ERR_NONE;
}

void doorbell_deinit(struct doorbell *bell) {
    (void)close(bell->fd);
    bell->fd = -1;
}

void doorbell_ring(struct doorbell *bell) {
    if (!atomic_exchange(&bell->rung, true)) {
        uint64_t one = 1;
        ssize_t written = write(bell->fd, &one, sizeof(one));
        check(written == sizeof(one));
    }
}

void doorbell_quiet(struct doorbell *bell) {
    // Not read: its ringer is about to write. The bell stays rung, and is heard once more.
    uint64_t count = 0;
    if (atomic_load(&bell->rung) && read(bell->fd, &count, sizeof(count)) == sizeof(count)) {
        atomic_store(&bell->rung, false);
    }
}

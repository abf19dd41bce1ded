// How bytes leave and enter a connection: the place where TLS goes. Internal to this room.
#pragma once

#include "proto/base/bytes.h"

#include <sys/types.h>

enum {
    TRANSPORT_WAIT = -1,   // nothing now: the loop will say when
    TRANSPORT_BROKEN = -2, // never again
};

// None of these blocks, none raises SIGPIPE.
struct transport {
    // Bytes received, 0 when the peer is done sending, or one of the above.
    ssize_t (*receive)(int socket, uint8_t *into, size_t size);
    // Bytes sent of `first` followed by `second`, perhaps fewer than all, or one of the above.
    ssize_t (*send)(int socket, bytes first, bytes second);
    // Tells the peer that nothing more comes.
    void (*finish)(int socket);
    // The close that follows tells the peer that the connection broke.
    void (*reset)(int socket);
};

// Plain TCP.
extern const struct transport transport_plain;

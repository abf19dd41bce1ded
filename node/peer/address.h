// Addresses of nodes, `host:port` with the host as a name, IPv4 or `[IPv6]`. Thread: any.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/bytes.h"

struct address {
    bytes host; // with its brackets; borrowed from the text
    uint16_t port;
};

// False: not `host:port` with a port from 1 to 65535; `*out_address` is then untouched.
MUST_USE bool address_parse(const char *text, struct address *out_address);

// Whether the host is this machine by its very text: 127.x.x.x, [::1] or localhost.
bool address_is_loopback(struct address address);

// `tcp://host:port` in `arena`.
const char *address_url(struct arena *arena, struct address address);

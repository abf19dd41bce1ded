// Why one port a pair of nodes: each pair has a socket of its own, whose queue tells when that very
// peer is slow, and NNG has no way to hand what one listener accepts to several sockets. Its one
// socket for many peers is deprecated and drops silently when one of them is slow. So a node takes
// the ports from its address's up to as many as there are lower ids: with ids 1 to 3 and port 7100,
// node 3 listens at 7101 and 7102, node 2 at 7101, node 1 nowhere.
#include "node/peer/address.h"

enum {
    PORT_MAX = 65535
};

bool address_parse(const char *text, struct address *out_address) {
    bytes view = bytes_from_text(text);
    size_t colon = view.size;
    while (colon > 0 && view.data[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2) {
        return false;
    }
    bytes host = bytes_slice(view, 0, colon - 1);
    bool bracketed = host.data[0] == '[' && host.data[host.size - 1] == ']';
    int64_t port = 0;
    if (!bytes_parse_i64(bytes_slice(view, colon, view.size), &port) || port < 1 ||
        port > PORT_MAX || (!bracketed && bytes_find(host, 0, ':') < host.size) ||
        bytes_find(host, 0, '/') < host.size) {
        return false;
    }
    *out_address = (struct address){.host = host, .port = (uint16_t)port};
    return true;
}

bool address_is_loopback(struct address address) {
    if (bytes_equal_text(address.host, "localhost") || bytes_equal_text(address.host, "[::1]")) {
        return true;
    }
    // A name may begin with 127. as well: only digits and dots are an address.
    for (size_t at = 0; at < address.host.size; at++) {
        uint8_t byte = address.host.data[at];
        if (byte != '.' && (byte < '0' || byte > '9')) {
            return false;
        }
    }
    return bytes_starts_with(address.host, BYTES_LITERAL("127."));
}

uint16_t address_link_port(struct address address, uint32_t dialer_id) {
    return dialer_id > (uint32_t)(PORT_MAX - address.port) ? 0
                                                           : (uint16_t)(address.port + dialer_id);
}

const char *address_url(struct arena *arena, bytes host, uint16_t port) {
    return arena_format(arena, "tcp://%.*s:%u", BYTES_ARG(host), (unsigned)port);
}

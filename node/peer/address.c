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

const char *address_url(struct arena *arena, struct address address) {
    return arena_format(arena, "tcp://%.*s:%u", BYTES_ARG(address.host), (unsigned)address.port);
}

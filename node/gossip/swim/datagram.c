#include "node/gossip/swim/datagram.h"

#include "node/gossip/swim/swim.h"
#include "proto/limits.h"

#define WIRE_SELF struct swim_datagram
WIRE_RECORD(swim_datagram, SWIM_DATAGRAM_FIELDS)
#undef WIRE_SELF

#define WIRE_SELF struct swim_news
WIRE_RECORD(swim_news, SWIM_NEWS_FIELDS)
#undef WIRE_SELF

err swim_datagram_decode(bytes in, struct arena *arena, struct swim_datagram *out_datagram) {
    if (in.size > LIMIT_GOSSIP_DATAGRAM_BYTES) {
        return err_make(ERR_CORRUPT, "a datagram is too large");
    }
    TRY(wire_decode(&swim_datagram_record, in, arena, out_datagram));
    if (out_datagram->kind < SWIM_PING || out_datagram->kind >= SWIM_KIND_END ||
        out_datagram->from == 0 || out_datagram->incarnation == 0) {
        return err_make(ERR_CORRUPT, "a datagram of no known kind, or from nobody");
    }
    return ERR_NONE;
}

// Texts from outside go to logs and pages: printable, without quotes and spaces.
static bool is_word(bytes text) {
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] <= ' ' || text.data[at] > '~' || text.data[at] == '"') {
            return false;
        }
    }
    return true;
}

err swim_news_decode(bytes in, struct arena *arena, struct swim_news *out_news) {
    TRY(wire_decode(&swim_news_record, in, arena, out_news));
    if (out_news->node == 0 || out_news->incarnation == 0 || out_news->state < SWIM_ALIVE ||
        out_news->state >= SWIM_STATE_COUNT) {
        return err_make(ERR_CORRUPT, "news about nobody, or of no known state");
    }
    if (out_news->address.size > LIMIT_GOSSIP_ADDRESS_BYTES ||
        out_news->release.size > LIMIT_PEER_RELEASE_BYTES ||
        out_news->hints.size > LIMIT_GOSSIP_HINTS_BYTES || !is_word(out_news->address) ||
        !is_word(out_news->release)) {
        return err_make(ERR_CORRUPT, "news with an impossible text");
    }
    return ERR_NONE;
}

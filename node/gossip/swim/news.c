// A datagram is its question or answer and as much news as fits. First, to a member that is thought
// ill, that it is: it cannot refute what it does not hear. Then what has ridden least, so that the
// newest spreads first; each piece rides some 3·log2(N) times from each node.
#include "node/gossip/swim/swim_internal.h"

enum {
    NEWS_MAX = 64,
    LIST_BYTES = 16, // the list's own head and the size of each text, with room to spare
    TEXT_HEAD_BYTES = 3,
};

struct writing {
    struct buffer *texts; // all pieces, one after the other
    size_t begins[NEWS_MAX + 1];
    uint32_t count;
    size_t room;
};

static void fill(const struct member *member, bool with_says, struct swim_news *out_news) {
    *out_news = (struct swim_news){
        .node = member->node,
        .incarnation = member->incarnation,
        .refutation = member->refutation,
        .state = (uint8_t)member->state,
    };
    if (with_says) {
        out_news->revision = member->revision;
        out_news->address = bytes_of(member->address, member->address_size);
        out_news->release_low = member->release_low;
        out_news->release_high = member->release_high;
        out_news->release = bytes_of(member->release, member->release_size);
        out_news->load = member->load;
        out_news->hints = bytes_of(member->hints, member->hints_size);
    }
}

// Adds one piece. False: no room, nothing changed.
static bool add(struct writing *writing, const struct member *member, bool with_says) {
    struct swim_news news;
    if (writing->count == NEWS_MAX || member->incarnation == 0) {
        return false;
    }
    fill(member, with_says && member->revision > 0, &news);
    size_t before = writing->texts->size;
    wire_encode(&swim_news_record, &news, writing->texts);
    size_t taken = writing->texts->size - before + TEXT_HEAD_BYTES;
    if (taken > writing->room) {
        writing->texts->size = before;
        return false;
    }
    writing->room -= taken;
    writing->begins[++writing->count] = writing->texts->size;
    return true;
}

// The member with the most rides left that is not taken yet, or NULL.
static struct member *most_urgent(struct swim *swim, uint64_t taken) {
    struct member *best = NULL;
    uint32_t best_rides = 0;
    for (size_t at = 0; at < swim->count; at++) {
        struct member *member = &swim->members[at];
        uint32_t rides =
            member->state_rides > member->says_rides ? member->state_rides : member->says_rides;
        if ((taken >> at & 1) == 0 && rides > best_rides) {
            best = member;
            best_rides = rides;
        }
    }
    return best;
}

static void add_what_is_new(struct swim *swim, struct writing *writing, uint32_t to) {
    uint64_t taken = 0;
    uint32_t receiver = swim_find(swim, to);
    if (receiver != SWIM_NONE && swim->members[receiver].state > SWIM_ALIVE) {
        (void)add(writing, &swim->members[receiver], false);
        taken |= UINT64_C(1) << receiver;
    }
    struct member *member = NULL;
    while ((member = most_urgent(swim, taken)) != NULL) {
        taken |= UINT64_C(1) << (member - swim->members);
        if (add(writing, member, member->says_rides > 0)) {
            member->state_rides -= member->state_rides > 0;
            member->says_rides -= member->says_rides > 0;
        }
    }
}

// All that is known from a member on; what does not fit goes into a datagram after it.
static void
add_everything(struct swim *swim, struct writing *writing, const struct outgoing *outgoing) {
    size_t at = outgoing->everything_from;
    while (at < swim->count &&
           (swim->members[at].incarnation == 0 || add(writing, &swim->members[at], true))) {
        at++;
    }
    if (at < swim->count && at > outgoing->everything_from) {
        swim_put(
            swim, &(struct outgoing){.to = outgoing->to, .kind = SWIM_NEWS, .everything_from = at}
        );
    }
}

void swim_write(struct swim *swim, const struct outgoing *outgoing, struct buffer *out) {
    const struct member *self = &swim->members[swim->self];
    struct swim_datagram datagram = {
        .kind = (uint8_t)outgoing->kind,
        .from = self->node,
        .incarnation = self->incarnation,
        .number = outgoing->number,
        .target = outgoing->target,
    };
    struct buffer head;
    struct buffer texts;
    buffer_init(&head, LIMIT_GOSSIP_PAYLOAD_BYTES);
    buffer_init(&texts, (size_t)2 * LIMIT_GOSSIP_PAYLOAD_BYTES);
    wire_encode(&swim_datagram_record, &datagram, &head);
    struct writing writing = {
        .texts = &texts, .room = LIMIT_GOSSIP_PAYLOAD_BYTES - head.size - LIST_BYTES};
    if (outgoing->kind == SWIM_SYNC || outgoing->kind == SWIM_NEWS) {
        add_everything(swim, &writing, outgoing);
    } else {
        add_what_is_new(swim, &writing, outgoing->to);
    }
    bytes items[NEWS_MAX];
    for (uint32_t at = 0; at < writing.count; at++) {
        items[at] = bytes_slice(buffer_bytes(&texts), writing.begins[at], writing.begins[at + 1]);
    }
    datagram.news = (struct wire_text_list){.items = items, .count = writing.count};
    wire_encode(&swim_datagram_record, &datagram, out);
    buffer_deinit(&texts);
    buffer_deinit(&head);
}

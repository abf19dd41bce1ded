// Messages that came in parts, put together again: one at a time of each class, because its sender
// finishes one before it begins the next. An assembly belongs to one thread.
#pragma once

#include "node/peer/link/frame.h"

struct link_assembly {
    struct buffer content;
    uint32_t stream;
    bool open; // some of it is there
};

void link_assembly_init(struct link_assembly *assembly);
void link_assembly_deinit(struct link_assembly *assembly);

// Forgets what is there. True: a message is lost by it.
bool link_assembly_drop(struct link_assembly *assembly);

enum link_assembly_result {
    LINK_ASSEMBLY_MORE, // so far, so good
    LINK_ASSEMBLY_DONE, // *out_message is whole; borrowed until the next call
    LINK_ASSEMBLY_LOST, // a message was begun and will not be finished, or this part has no
                        // beginning
};

// Takes the next part. Parts before it may have been lost.
enum link_assembly_result link_assembly_take(
    struct link_assembly *assembly, const struct link_piece *part, bytes *out_message
);

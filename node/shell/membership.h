// Who is a member changes while the process runs: the system group tells by EFFECT_MEMBER, links
// and gossip follow, and the store's folder keeps it for the next start.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/err.h"

#include <stdint.h>

struct shell;

// `node` is a member, at `address`; empty: it is none (any more). Of this node itself: it has left,
// and the process stops as if told to.
void membership_changed(struct shell *shell, uint16_t node, bytes address);

// Member `by` says that this node was removed, which it could not hear: it was away. As above.
void membership_gone(struct shell *shell, uint32_t by);

// All members speak `version`: links refuse who does not. When this program does not, the process
// stops as if told to, and ends with membership_outgrown's words.
void membership_version(struct shell *shell, uint32_t version);
MUST_USE err membership_outgrown(void);

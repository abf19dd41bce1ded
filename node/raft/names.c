// Names of roles and of how a follower is served, for logs, transcripts and GET /api/cluster.
#include "node/raft/raft.h"

const char *raft_role_name(enum raft_role role) {
    static const char *const names[] = {
        [RAFT_FOLLOWER] = "follower",
        [RAFT_PRE_CANDIDATE] = "pre-candidate",
        [RAFT_CANDIDATE] = "candidate",
        [RAFT_LEADER] = "leader",
    };
    return names[role];
}

const char *raft_progress_name(enum raft_progress progress) {
    static const char *const names[] = {
        [RAFT_PROBING] = "probing",
        [RAFT_REPLICATING] = "replicating",
        [RAFT_NEEDS_SNAPSHOT] = "needs-snapshot",
        [RAFT_INSTALLING] = "installing",
        [RAFT_PEER_FAULTY] = "faulty",
    };
    return names[progress];
}

// Every bound of the program, with its reason. Too much is an error at the door, never a stall
// inside.
//
// One section a room; a room's own README names the ones that shape it.
#pragma once

enum {
    // --- base ---------------------------------------------------------------------------------
    // First block of a step's arena: an ordinary request fits without another allocation.
    LIMIT_ARENA_BLOCK_BYTES = 256 * 1024,

    // --- json ---------------------------------------------------------------------------------
    // Nesting of any document we accept. Deeper text is an attack or a mistake; recursion stays
    // small.
    LIMIT_JSON_DEPTH = 500,

    // --- http ---------------------------------------------------------------------------------
    // rest-api.md §1: 413 above 16 MiB of body (distributed.md §3.3).
    LIMIT_HTTP_BODY_BYTES = 16 * 1024 * 1024,
    // 431 above it; the largest header set a proxy adds in practice is about 8 KiB.
    LIMIT_HTTP_HEAD_BYTES = 16 * 1024,
    // A chunk size with its extensions; proxies sign chunks in about 100 bytes.
    LIMIT_HTTP_CHUNK_LINE_BYTES = 1024,
    // One more is answered 503. A parked connection costs about half a KiB here.
    LIMIT_HTTP_CONNECTIONS = 16 * 1024,
    // Connections over the bound that are being told so; beyond it they are closed without a word.
    LIMIT_HTTP_CONNECTIONS_REFUSED = 64,
    // 408 when a head is not whole this long after its first byte.
    LIMIT_HTTP_HEAD_MS = 10 * 1000,
    // A body, or an answer being read, must move LIMIT_HTTP_WINDOW_BYTES in every such window:
    // half a KiB a second, less than the slowest line, more than an attacker likes to send.
    LIMIT_HTTP_WINDOW_MS = 30 * 1000,
    LIMIT_HTTP_WINDOW_BYTES = 16 * 1024,
    // Longer than the pools of the clients keep a connection (OkHttp 5 min, Go 90 s), so that it is
    // they who close and no request meets a closing connection.
    LIMIT_HTTP_IDLE_MS = 330 * 1000,
    // After the last answer: how long we wait for the client to read it and close.
    LIMIT_HTTP_LINGER_MS = 2 * 1000,

    // --- storage --------------------------------------------------------------------------------
    // Applied entries a lane keeps in memory for followers that are behind; one that lags more gets
    // a snapshot (distributed.md §4.1). Ten seconds of a busy lane: a node that was killed and is
    // started again catches up by log.
    LIMIT_STORE_HISTORY_BYTES = 64 * 1024 * 1024,
    // What running snapshots may hold of it beyond that, so that they can be caught up with.
    LIMIT_STORE_HELD_BYTES = 64 * 1024 * 1024,
    // Rows of snapshots that wait for a checkpoint, of all groups; their senders wait above it.
    LIMIT_STORE_INSTALL_BYTES = 4 * 1024 * 1024,
    // Rows that changed under a reader of several turns, kept as they were: an execution of 10 000
    // tasks that ends while it is read is some 5 MB.
    LIMIT_STORE_PAST_BYTES = 16 * 1024 * 1024,
    // Old rows deleted in one checkpoint before a snapshot: some 30 ms of its thread.
    LIMIT_STORE_DROP_ROWS = 16 * 1024,

    // --- node core ----------------------------------------------------------------------------
    // Decisions that wait for scripts at a time; above it requests that need one get 503.
    LIMIT_JOBS = 10000,
    // A timer whose scripts could not be run, because the evaluator was full or gone, comes again.
    LIMIT_DEFER_MS = 100,
    // Runs of one decision while its workflow keeps changing under it.
    LIMIT_JOB_RUNS = 256,
    // First block of what a waiting decision keeps: its request and results.
    LIMIT_JOB_ARENA_BYTES = 4 * 1024,
    // An answer's body, held in memory until its gate opens: a workflow of 10 MB payloads and its
    // tasks.
    LIMIT_REPLY_BYTES = 64 * 1024 * 1024,
    // Large answers that are told piece by piece at a time: each keeps rows that change meanwhile.
    LIMIT_LONG_ANSWERS = 256,
    // Compiled definitions kept by content; a compiled one takes some 10 KB.
    LIMIT_DEFINITION_CACHE = 1024,
    // Timers due later than this stay rows until the horizon comes near (distributed.md §7).
    LIMIT_ALARM_HORIZON_MS = 120 * 1000,
    // Firings a turn, so that a backlog after an outage cannot starve clients (distributed.md §7).
    LIMIT_ALARMS_PER_TURN = 256,
    // Messages between partitions applied a turn, for the same reason.
    LIMIT_MESSAGES_PER_TURN = 256,
    // Tasks handed out a turn.
    LIMIT_CLAIMS_PER_TURN = 512,
    // An acknowledgement waits this long for an entry to ride on.
    LIMIT_ACK_RIDE_MS = 200,
    // Requests stepped before the shell looks after the log within a turn: the log thread does not
    // wait for the whole crowd, nor the crowd for the slowest of it.
    LIMIT_REQUESTS_PER_BREATH = 64,
    // A turn that was cut short goes on after this.
    LIMIT_RETRY_TURN_MS = 1,
    // A graceful stop waits this long for clients to take their answers: longer than any long poll.
    LIMIT_STOP_MS = 8 * 1000,
    // Q rows of one queue and group kept in memory at a load (distributed.md §4, takeover).
    LIMIT_MATCH_LOAD = 1024,
    // Tasks one poll may ask for; more is served in the next poll.
    LIMIT_POLL_COUNT = 1000,
    // rest-api.md T-2: longer long polls are refused.
    LIMIT_POLL_TIMEOUT_MS = 5000,
    // A default queue's newest poll is told to the leader of its row so often and written by it
    // less often: what the leader was told answers, the row is for after a restart. One of a domain
    // is written oftener, because the choice of a domain looks back 10 s only (engine.md §7.6).
    LIMIT_POLL_TELL_MS = 5000,
    LIMIT_POLL_ROW_MS = 30 * 1000,
    LIMIT_POLL_ROW_DOMAIN_MS = 1000,

    // --- peer -----------------------------------------------------------------------------------
    // Nodes of one cluster; each holds a socket and queues for every other.
    LIMIT_NODES = 64,
    // Nodes of a cluster that are there or may come back; each follows the system group. One that
    // left makes room.
    LIMIT_CLUSTER_NODES = 16,
    // Nodes that form a cluster from one list: each has a vote in the system group at first, and an
    // agreement of more than seven costs more than it keeps safe.
    LIMIT_CLUSTER_FOUNDERS = 7,
    // host:port of a member, and the name of its zone.
    LIMIT_MEMBER_TEXT_BYTES = 300,
    // One frame: some milliseconds of a slow line, so that a vote never waits long behind a
    // snapshot (distributed.md §14).
    LIMIT_PEER_FRAME_BYTES = 256 * 1024,
    // One message, checked before anything is allocated for it. A request of LIMIT_HTTP_BODY_BYTES
    // is passed on whole, with what stands around it.
    LIMIT_PEER_MESSAGE_BYTES = 24 * 1024 * 1024,
    // An answer of more travels in parts, each asked for: a part fits a frame with what stands
    // around it. Not heard of for so long it is asked for again; who does not want the next one yet
    // says so as often, and who says nothing is gone.
    LIMIT_PEER_WHOLE_BYTES = 1024 * 1024,
    LIMIT_PEER_PART_BYTES = 192 * 1024,
    LIMIT_PART_ASK_MS = 500,
    LIMIT_PART_LATER_MS = 5 * 1000,
    LIMIT_PART_SILENCE_MS = 20 * 1000,
    // What waits for one peer, by class. Votes and hints are small and soon stale; appends hold the
    // windows of all groups (distributed.md §4, rule 9); snapshots are paced by their source. The
    // last two hold at least one message of the largest size.
    LIMIT_PEER_URGENT_BYTES = 1024 * 1024,
    LIMIT_PEER_BULK_BYTES = 64 * 1024 * 1024,
    LIMIT_PEER_STREAM_BYTES = 25 * 1024 * 1024,
    // Frames of one peer that arrived and the core has not looked at; then its line has to wait.
    LIMIT_PEER_INBOX_FRAMES = 64,
    // A frame at least this often, so that silence means something; other traffic counts too.
    LIMIT_PEER_HEARTBEAT_MS = 200,
    // Heard nothing for this long: down. Three heartbeats.
    LIMIT_PEER_SILENCE_MS = 600,
    // Still nothing: the connection is closed, for a peer that lost its power never will.
    LIMIT_PEER_ABANDON_MS = 5000,
    // A connection that has not proved itself by then is closed.
    LIMIT_PEER_HELLO_MS = 2000,
    // A refused connection is held this long before it is closed: the other end dials at once.
    LIMIT_PEER_REFUSED_MS = 500,
    // Dialling again: at first, and at most.
    LIMIT_PEER_RECONNECT_MS = 10,
    LIMIT_PEER_RECONNECT_MS_MAX = 200,
    // An attempt to connect that takes longer begins anew: the system's own patience is minutes.
    LIMIT_PEER_DIAL_MS = 1000,
    // Connections that have not said who they are; the newest takes the place of the oldest.
    LIMIT_PEER_STRANGERS = 32,
    // The same refusal of the same peer is logged again after this.
    LIMIT_PEER_LOG_MS = 10 * 1000,
    // A release's name, in hello and gossip.
    LIMIT_PEER_RELEASE_BYTES = 64,
    // Less is guessed.
    LIMIT_CLUSTER_KEY_BYTES_MIN = 16,
    LIMIT_CLUSTER_KEY_BYTES = 1024,

    // --- raft -----------------------------------------------------------------------------------
    // A checkpoint of a group stops at every index that this divides, so that copies can compare
    // their state there (distributed.md §3.2).
    LIMIT_STORE_ATTEST_ENTRIES = 4096,
    // The scrubber reads 1 MiB a second, everything about once a week (distributed.md §13).
    LIMIT_STORE_SCRUB_BYTES = 256 * 1024,
    LIMIT_STORE_SCRUB_MS = 250,
    LIMIT_STORE_SCRUB_REST_MS = 6 * 24 * 3600 * 1000,
    // Cluster time (distributed.md §7). A clock that is right is at most that far off.
    LIMIT_TIME_ERROR_MS = 250,
    // Outside of what most clocks agree on by more: the clock is sick, or the time has to step.
    LIMIT_TIME_SICK_MS = 500,
    // A clock that was sick and is right for so long is well again.
    LIMIT_TIME_WELL_MS = 3 * 1000,
    // Most clocks have to agree on a later time for so long before it is taken.
    LIMIT_TIME_STEP_MS = 10 * 1000,
    // Clocks that do not agree at a start: the earliest is taken then.
    LIMIT_TIME_QUARREL_MS = 10 * 1000,
    // A start so long after the newest stored time has to be vouched for, or be steady so long.
    LIMIT_TIME_LEAP_MS = 3600 * 1000,
    LIMIT_TIME_STEADY_MS = 600 * 1000,
    // What was heard of a clock counts for so long, unless its way there and back took longer.
    LIMIT_TIME_SAMPLE_MS = 3 * 1000,
    LIMIT_TIME_WAY_MS = 1000,
    // Clocks are compared so often; looked at so often while something waits for it.
    LIMIT_TIME_LOOK_MS = 100,
    LIMIT_TIME_WAIT_MS = 200,
    // How often a test's file that moves the wall clock is read.
    LIMIT_CLOCK_FILE_MS = 50,

    // A frame between two nodes (distributed.md §4).
    LIMIT_RAFT_FRAME_BYTES = 256 * 1024,
    // A follower stands after this long without its leader, drawn anew each time (distributed.md
    // §4); a leader without its majority steps down after the longer. Two heartbeats and a half.
    LIMIT_RAFT_ELECTION_MS_MIN = 600,
    LIMIT_RAFT_ELECTION_MS = 1200,
    // The same when the leader's connections are known to have closed (rule 12): at first, and when
    // that election was split.
    LIMIT_RAFT_HASTE_MS = 50,
    LIMIT_RAFT_HASTE_RETRY_MS_MIN = 100,
    LIMIT_RAFT_HASTE_RETRY_MS = 300,
    LIMIT_RAFT_HASTE_FOR_MS = 2000,
    // Two nodes without traffic: half of it after hearing the other, the whole after speaking. So a
    // quiet pair exchanges 4.3 frames a second, for all groups together.
    LIMIT_RAFT_BEAT_MS = 460,
    // Nothing heard for this long: ask, this often, for so long.
    LIMIT_RAFT_SILENCE_MS = 540,
    LIMIT_RAFT_ASK_MS = 100,
    LIMIT_RAFT_ABANDON_MS = 5000,
    // A read's round without answer is sent again after this.
    LIMIT_RAFT_ROUND_MS = 20,
    // The news of a commit waits this long for a frame to ride on.
    LIMIT_RAFT_COMMIT_RIDE_MS = 50,
    // An append without acknowledgement: back to probing. A slow disk takes less.
    LIMIT_RAFT_RESEND_MS = 300,
    // A log that takes longer, or a core thread that comes so late, gives leadership away (rule
    // 11).
    LIMIT_RAFT_SLOW_MS = 1000,
    LIMIT_RAFT_STALL_MS = 500,
    // In flight to one follower of one group (rule 9), and to one node.
    LIMIT_RAFT_WINDOW_MESSAGES = 64,
    LIMIT_RAFT_WINDOW_BYTES = 4 * 1024 * 1024,
    LIMIT_RAFT_LINK_BYTES = 16 * 1024 * 1024,
    // Entries of one message; a larger entry travels in pieces, so many bytes of it ahead.
    LIMIT_RAFT_APPEND_BYTES = 64 * 1024,
    LIMIT_RAFT_PART_BYTES = 64 * 1024,
    LIMIT_RAFT_PART_WINDOW_BYTES = 1024 * 1024,
    // An entry: nothing the scheduler writes comes near; a follower holds no more for one group.
    LIMIT_RAFT_ENTRY_BYTES = 256 * 1024 * 1024,
    // A learner keeps up when what it lacks arrives within this (rule 7); who hears to be no member
    // any more tells it this often.
    LIMIT_RAFT_LEARNER_LAG_MS = 1000,
    LIMIT_RAFT_OUTSIDE_MS = 1000,
    // Snapshots a node sends at a time (distributed.md §11), and the rows of one chunk.
    LIMIT_RAFT_SNAPSHOTS = 2,
    LIMIT_RAFT_CHUNK_BYTES = 256 * 1024,
    // Rows of snapshots that a node takes in a second, of all groups: a GiB of executions (1.35 of
    // state) within a minute, and a core's strength for those who work meanwhile.
    LIMIT_RAFT_INSTALL_BYTES_PER_SECOND = 28 * 1024 * 1024,
    LIMIT_RAFT_KEY_BYTES = 1024,
    // Votes, acknowledgements and the like that wait for one frame; what is more is lost, as on the
    // way. A frame that holds no more than the second of appends takes them along.
    LIMIT_RAFT_URGENT_BYTES = 128 * 1024,
    LIMIT_RAFT_MIXED_BYTES = 32 * 1024,

    // --- gossip ---------------------------------------------------------------------------------
    // One datagram: passes every network unfragmented (distributed.md §12); what the seal leaves of
    // it.
    LIMIT_GOSSIP_DATAGRAM_BYTES = 1400,
    LIMIT_GOSSIP_PAYLOAD_BYTES = 1356,
    // What a member says of itself: three of them fit a datagram.
    LIMIT_GOSSIP_ADDRESS_BYTES = 255,
    LIMIT_GOSSIP_HINTS_BYTES = 256,
    // SWIM's times and numbers (distributed.md §12).
    LIMIT_GOSSIP_PROBE_MS = 1000,
    LIMIT_GOSSIP_ANSWER_MS = 500,
    LIMIT_GOSSIP_INDIRECT = 3,
    LIMIT_GOSSIP_SYNC_MS = 30 * 1000,
    LIMIT_GOSSIP_HEALTH = 8,
    // Probes for others under way; the oldest gives way.
    LIMIT_GOSSIP_RELAYS = 64,
    // Datagrams waiting to be sent; the oldest gives way.
    LIMIT_GOSSIP_OUTBOX = 128,

    // --- payloads (engine.md §8.4) --------------------------------------------------------------
    LIMIT_TASK_PAYLOAD_BYTES = 10240 * 1024,
    LIMIT_WORKFLOW_PAYLOAD_BYTES = 10240 * 1024,
    LIMIT_VARIABLES_BYTES = 256 * 1024,

    // --- expressions (engine.md §9) --------------------------------------------------------------
    // `${a.${b.${…}}}`: each level is a stack frame; people write two.
    LIMIT_EXPRESSION_DEPTH = 64,
    // First block of the scratch arena of a scan: the braces of an ordinary text.
    LIMIT_EXPRESSION_SCAN_BYTES = 1024,
    // A path's text, after its inner expressions were replaced.
    LIMIT_JSONPATH_BYTES = 16 * 1024,
    LIMIT_JSONPATH_TOKENS = 256,
    // Filters in filters and groups in patterns: recursion stays small.
    LIMIT_JSONPATH_DEPTH = 32,
    // Values one path may visit: `$..*..*` grows with a power of the document. A value counts once
    // for each LIMIT_JSONPATH_STEP_BYTES of its text: some 0.2 s of the core at most.
    LIMIT_JSONPATH_STEPS = 4 * 1000 * 1000,
    LIMIT_JSONPATH_STEP_BYTES = 64,
    // What one evaluation may build; a payload is smaller (§8.4).
    LIMIT_JSONPATH_RESULT_BYTES = 16 * 1024 * 1024,
    // Instructions of a compiled `=~` pattern, ranges of one of its classes.
    LIMIT_REGEX_STEPS = 2000,
    LIMIT_REGEX_RANGES = 256,

    // --- api ------------------------------------------------------------------------------------
    // Models inside models: each level scans the text below it once more. Loops in branches in
    // loops come to a dozen in real definitions.
    LIMIT_API_MODEL_DEPTH = 64,
    // Sum of the sizes of all models in one text: a body of the largest size four levels deep, one
    // of 1 MiB as deep as the limit above. Binding and validating it take about a second.
    LIMIT_API_BIND_WORK_BYTES = 64 * 1024 * 1024,
    // A bound text with all its defaults: a task of two bytes becomes 300.
    LIMIT_API_CANONICAL_BYTES = 32 * 1024 * 1024,
    // Pairs in one query; a head of LIMIT_HTTP_HEAD_BYTES cannot hold more that mean something.
    LIMIT_API_QUERY_PARAMETERS = 1024,
    // Faults reported for one request; people fix them a screen at a time.
    LIMIT_API_VIOLATIONS = 1000,
    LIMIT_API_VIOLATION_BYTES = 1024 * 1024,
    // Nesting of a task's input in which references are checked; each level scans what is below.
    LIMIT_API_REFERENCE_DEPTH = 64,

    // --- definitions -----------------------------------------------------------------------------
    // A frozen definition: a body at its maximum and the task definitions embedded in it.
    LIMIT_DEFINITION_BYTES = 32 * 1024 * 1024,
    // First block of a compiled definition, beside twice its text: one block is the rule.
    LIMIT_DEFINITION_BLOCK_BYTES = 8 * 1024,
    // All compiled definitions together, beside LIMIT_DEFINITION_CACHE of them.
    LIMIT_DEFINITION_CACHE_BYTES = 256 * 1024 * 1024,
    // An answer that lists definitions.
    LIMIT_DEFINITION_LIST_BYTES = 64 * 1024 * 1024,

    // --- scheduler ------------------------------------------------------------------------------
    // A row: the greatest is the message that begins a child, with its input and an embedded
    // definition.
    LIMIT_ROW_BYTES = 64 * 1024 * 1024,
    // A payload is stored in rows of at most this much: small keys, no huge value in the map.
    LIMIT_BLOB_CHUNK_BYTES = 16 * 1024,
    // A larger payload is written ahead of the entry that names it (distributed.md §5.1), so many
    // bytes an entry: on a disk of 100 MB/s others wait 3 ms behind one. So many entries of this
    // node under way at a time: while one is synced the next is made.
    LIMIT_STAGE_BYTES = 64 * 1024,
    LIMIT_STAGE_ENTRY_BYTES = 256 * 1024,
    LIMIT_STAGE_ENTRIES = 2,
    // Bodies that wait for that in memory; above it who brings one is answered 503.
    LIMIT_STAGE_HELD_BYTES = 256 * 1024 * 1024,
    // A staged body that nobody named goes so long after its newest piece.
    LIMIT_STAGE_EXPIRY_MS = 60 * 1000,
    // A decision commits and goes on in a later entry above either (distributed.md §5.1).
    LIMIT_DECISION_BYTES = 256 * 1024,
    // So many tasks take 4 ms, which is what others wait beside big work.
    LIMIT_DECISION_TASKS = 250,
    // Tasks a decision makes before it writes their rows: a tenth of its bytes at most are not
    // counted yet.
    LIMIT_DECISION_UNSAVED = 64,
    // Tasks a retry goes through at a time (scheduler/lifecycle.h).
    LIMIT_WALK_SLICE = 64,
    // Rows that an entry of a recovered partition looks at (scheduler/renewal.h).
    LIMIT_RENEWAL_ROWS = 256,
    // An execution of more tasks, or whose tasks are more text, is told in steps between which
    // others are served (scheduler/telling.h): a task takes some 30 us to write.
    LIMIT_ANSWER_TASKS = 64,
    LIMIT_ANSWER_BYTES = 1024 * 1024,
    // What one step finds of such an execution's tasks, and writes of them: 1 to 2 ms each.
    LIMIT_TELLING_FOUND = 512,
    LIMIT_TELLING_TASKS = 48,
    LIMIT_TELLING_BYTES = 256 * 1024,
    // Of a task that is put together of others: names of branches, or what each of them gave.
    LIMIT_TELLING_NAMES = 4096,
    LIMIT_TELLING_ELEMENTS = 256,
    // Branches of a wide fork mapped at a time (distributed.md §5.1).
    LIMIT_FORK_SLICE = 256,
    // Scripts whose results one decision uses before it commits and goes on in a later entry: ten
    // server-side tasks stay one entry, a loop of scripts does not run again and again from its
    // start.
    LIMIT_DECISION_EVALUATIONS = 16,
    // Scripts one decision may ask for at a time; more are asked for when it runs again.
    LIMIT_DECISION_WANTED = 64,
    // Scripts one decision asks for ahead, before the flow reaches them (scheduler/foresight.h),
    // how far along the flow it looks for them, and how large an input is copied for that.
    LIMIT_DECISION_FORESEEN = 16,
    LIMIT_FORESIGHT_TASKS = 16,
    LIMIT_FORESIGHT_BYTES = 64 * 1024,
    // Executions inside executions, and how far one request follows them up or down; people nest
    // three. One that is its own child ends here.
    LIMIT_WORKFLOW_DEPTH = 1000,
    // rest-api.md §6.
    LIMIT_BULK_IDS = 1000,
    // Requests that wait for an execution, and executions one of them looks at.
    LIMIT_WAITS = 10000,
    LIMIT_WAIT_WATCHED = 1000,
    // rest-api.md §4: `waitForSeconds`, `timeoutMillis`; more waits this long.
    LIMIT_WAIT_MS = 3600 * 1000,
    // Times of hand-outs a rate limit keeps one by one (engine.md §7.7).
    LIMIT_RATE_TIMES = 256,
    // Permits a group asks for at a time; what it has and does not use goes back after; what it was
    // just given is left to it for so long although others wait (distributed.md §8).
    LIMIT_PERMITS_ASKED = 8,
    LIMIT_PERMIT_IDLE_MS = 1000,
    LIMIT_PERMIT_FRESH_MS = 500,
    // Rows of a removed execution that go in one entry (distributed.md §3.3).
    LIMIT_SWEEP_ROWS = 1000,
    // models.md §6: a task's reasonForIncompletion is cut to it.
    LIMIT_TASK_REASON_BYTES = 500,
    // The header is rewritten at every step: a reason in it is cut to this.
    LIMIT_WORKFLOW_REASON_BYTES = 16 * 1024,
    // engine.md §6.2: log lines kept of one update; distributed.md §3.3: of one task.
    LIMIT_LOGS_PER_UPDATE = 10,
    LIMIT_LOG_LINES = 1000,
    LIMIT_LOG_BYTES = 1024 * 1024,

    // --- calls (engine.md §10.21)
    // ------------------------------------------------------------------ Calls in flight at a time
    // unless configured; more tasks wait in their queue.
    LIMIT_CALLS = 256,
    // connectionTimeOut and readTimeOut when none is given, and the most either may be; 0 means
    // the most, too.
    LIMIT_CALL_TIMEOUT_DEFAULT_MS = 3000,
    LIMIT_CALL_TIMEOUT_MS = 30 * 60 * 1000,
    // A call takes as long as its connectionTimeOut and this many times its readTimeOut: the peer
    // may be slow, but not drip for ever.
    LIMIT_CALL_READS = 4,
    // Given to the executor to tell a result before its claim is taken for lost.
    LIMIT_CALL_GRACE_MS = 2000,
    // A stop waits this long for calls under way; then they are given back to be made again. Time
    // is left of LIMIT_STOP_MS to tell that.
    LIMIT_LEAVE_CALLS_MS = 6 * 1000,
    // As many as the reference follows.
    LIMIT_CALL_REDIRECTS = 50,
    // All heads of one call together: redirects and 1xx included.
    LIMIT_CALL_HEAD_BYTES = 256 * 1024,
    LIMIT_CALL_HEADERS = 512,
    // Bodies of all calls in flight; above it the one that grows fails.
    LIMIT_CALL_HELD_BYTES = 512 * 1024 * 1024,
    // Connections kept for the next call.
    LIMIT_CALL_IDLE = 64,
    // The text of a failed answer in `output.response`; the whole answer stands beside it.
    LIMIT_CALL_ERROR_BYTES = 16 * 1024,
    // A request as it is worded: the body is at most a payload, escapes taken out.
    LIMIT_CALL_REQUEST_BYTES = 16 * 1024 * 1024,
    // Region and service of a signature.
    LIMIT_CALL_SIGNATURE_BYTES = 128,
    // `orpheus cluster status`: for the asked node's answer; leaderless partitions that are named.
    LIMIT_STATUS_MS = 10 * 1000,
    LIMIT_STATUS_LEADERLESS_SHOWN = 16,
    // `orpheus cluster drain` and the like: a node that answers nothing for so long is given up.
    LIMIT_STATUS_SILENCE_MS = 30 * 1000,
    // A node that asks to join asks again after this, later and later up to the second.
    LIMIT_JOIN_RETRY_MS = 250,
    LIMIT_JOIN_RETRY_MS_MAX = 5000,

    // --- eval -----------------------------------------------------------------------------------
    // One frame to or from an evaluator: a payload of engine.md §8.4 and the text that reads it.
    LIMIT_EVALUATION_FRAME_BYTES = 24 * 1024 * 1024,
    // A result: the largest payload a task may have, with room for the check to be elsewhere.
    LIMIT_EVALUATION_RESULT_BYTES = 16 * 1024 * 1024,
    // engine.md §10.18: a script that runs longer is interrupted.
    LIMIT_EVALUATION_DEADLINE_MS = 4 * 1000,
    // Given to the engine to stop a script by itself before its process is killed.
    LIMIT_EVALUATION_GRACE_MS = 250,
    // A script that runs longer than this gets a process of its own; what waited behind it moves.
    LIMIT_EVALUATION_SLICE_MS = 100,
    // And so does the same text for this long, until it was quick again.
    LIMIT_EVALUATION_SUSPECT_MS = 10 * 1000,
    // Processes for such scripts, each language: 100 looping scripts may not take the machine.
    LIMIT_EVALUATION_SLOW_PROCESSES = 4,
    // Written ahead to one process: enough to hide the round trip.
    LIMIT_EVALUATION_PIPELINE = 32,
    // Waiting for a process of one language, together with what is under way; more is refused.
    LIMIT_EVALUATION_WAITING = 16 * 1024,
    LIMIT_EVALUATION_WAITING_BYTES = 256 * 1024 * 1024,
    // An evaluation whose process died under it is run again this often.
    LIMIT_EVALUATION_RETRIES = 1,
    // A process that cannot be started is tried again after this.
    LIMIT_EVALUATION_RESPAWN_MS = 500,
    // A process that has not said by then that it stands is given up.
    LIMIT_EVALUATION_START_MS = 10 * 1000,
    // The heap of a script: a payload of 10 MB as objects.
    LIMIT_EVALUATION_HEAP_BYTES = 192 * 1024 * 1024,
    // Heap memory kept between scripts.
    LIMIT_EVALUATION_HEAP_KEPT_BYTES = 4 * 1024 * 1024,
    // Address space of an evaluator process (of jq: its heap).
    LIMIT_EVALUATION_ADDRESS_BYTES = 768 * 1024 * 1024,
    // Calls inside calls in a script end in a RangeError; half of the usual stack of 8 MiB.
    LIMIT_EVALUATION_STACK_BYTES = 4 * 1024 * 1024,
    // Compiled programs a process keeps; jq's take 15 ms to make.
    LIMIT_EVALUATION_PROGRAMS = 256,
    // Integers of one input that a double cannot hold and that keep their digits.
    LIMIT_EVALUATION_NUMBERS = 64 * 1024,

    // --- the cluster ---
    // A request that waits for the leader of its partition, and how often it looks for one. A call
    // that has been asked is looked at more seldom.
    LIMIT_FORWARD_MS = 5 * 1000,
    LIMIT_FORWARD_RETRY_MS = 20,
    LIMIT_FORWARD_LOOK_MS = 250,
    // A question about an execution is held until its answer changes, or that long; asked again
    // after a partition had no leader.
    LIMIT_LOOK_HOLD_MS = 1000,
    LIMIT_LOOK_RETRY_MS = 100,
    LIMIT_FORWARD_ARENA_BYTES = 2 * 1024,
    // Requests that wait at one node for leaders to answer.
    LIMIT_FORWARDS = 50 * 1000,
    // A body that one node passes on to another; the rest of LIMIT_PEER_MESSAGE_BYTES is for what
    // stands around it.
    LIMIT_PEER_BODY_BYTES = 24 * 1024 * 1024 - 64 * 1024,
    // How long a claim may take before its poll waits on.
    LIMIT_CLAIM_MS = 1000,
    // Messages of a pair of partitions under way to another node, and when they are sent again.
    LIMIT_STREAM_WINDOW = 64,
    LIMIT_STREAM_RETRY_MS = 250,
    // A node decides by its definitions so long after the system group's leader was asked; a change
    // of them waits so much longer, for clocks that run apart. Without that leader a node waits,
    // then goes on with what it has.
    LIMIT_CATALOG_LEASE_MS = 2 * 1000,
    LIMIT_CATALOG_LEASE_SLACK_MS = 200,
    // A small message waits this long for a frame to ride on: a quiet node sends one every
    // LIMIT_RAFT_BEAT_MS. A lease asked for at two fifths of it comes in time, both ways ridden.
    LIMIT_RIDE_MS = 480,
    LIMIT_CATALOG_WAIT_MS = 3 * 1000,
    // The most a member may weigh: it holds so many times the share of one that weighs 1.
    LIMIT_MEMBER_WEIGHT = 16,
    // The system group's leader looks at members and moves that often, if nothing happens before.
    LIMIT_MEMBERSHIP_MS = 250,
    // A node that lacks no more entries of the system group has caught up with it.
    LIMIT_MEMBER_LAG_ENTRIES = 16,
    // A node looks whether there is news of the groups it leads; without any it tells the others
    // seldom how they are.
    LIMIT_REPORT_MS = 1000,
    LIMIT_REPORT_AGAIN_MS = 60 * 1000,
    // Replicas that one node receives at a time, and that one sends (distributed.md §11).
    LIMIT_MOVES_PER_NODE = 2,
    // Moves wait while a node holds more answers than this behind their gates, or refuses work.
    LIMIT_MOVE_PAUSE_ANSWERS = 5000,
    // A replica that was told that it is none asks that often whether that is so.
    LIMIT_OUTSIDE_ASK_MS = 500,
    // A leader of the system group that has never met a member for so long lets another one lead.
    LIMIT_STRANGER_MS = 3 * 1000,
    // A member that left is linked with so much longer: it has to hear of that.
    LIMIT_LEFT_MS = 2 * 1000,
    // A row about a member, a partition or the cluster: three texts, or two lists of seven.
    LIMIT_SYSTEM_ROW_BYTES = 4 * 1024,
    // A member of the cluster that was silent so long is replaced, unless configured.
    LIMIT_DEAD_AFTER_MS = 10 * 60 * 1000,
    // The device of a store, in thousandths that are used: no new executions; only what finishes or
    // deletes (distributed.md §13). Each is left so much below where it is entered.
    LIMIT_DISK_SOFT_PERMILLE = 850,
    LIMIT_DISK_HARD_PERMILLE = 950,
    LIMIT_DISK_RELIEF_PERMILLE = 20,
    // Measured this often: a disk that takes 1 GB/s fills half a ballast between.
    LIMIT_DISK_LOOK_MS = 250,
    // The ballast is at most this part of its device.
    LIMIT_DISK_BALLAST_PART = 16,
    // Kept allocated behind the state's last page: a checkpoint of what deletes finds its pages.
    LIMIT_STORE_RESERVED_BYTES = 8 * 1024 * 1024,
    // How fit a node is: looked at, told when the disk is fuller or emptier by so much; slow for so
    // long after its log was. Its groups come back when it was well for so long, a few at a look.
    LIMIT_FITNESS_LOOK_MS = 1000,
    LIMIT_FITNESS_STEP_PERMILLE = 10,
    LIMIT_FITNESS_SLOW_MS = 30 * 1000,
    LIMIT_FITNESS_WELL_MS = 10 * 1000,
    LIMIT_FITNESS_HOME = 8,
    // The ring of the core's newest events: so many, in so many bytes, none of them larger.
    LIMIT_RECORD_EVENTS = 64 * 1024,
    LIMIT_RECORD_BYTES = 16 * 1024 * 1024,
    LIMIT_RECORD_EVENT_BYTES = 1024 * 1024,
    // What an explanation of an execution shows of its open tasks, and looks at of the outbox.
    LIMIT_EXPLAIN_ROWS = 200,
    LIMIT_EXPLAIN_MESSAGES = 2000,
    // The online audit looks at so many rows this often while a walk goes on, and rests between two
    // walks over all groups (distributed.md §15.2).
    LIMIT_AUDIT_ROWS = 160,
    LIMIT_AUDIT_MS = 100,
    LIMIT_AUDIT_REST_MS = 60 * 1000,
    // Faults of one walk that are told, not only counted.
    LIMIT_AUDIT_FINDINGS = 16,
    // An execution of more tasks is not looked into; what a walk remembers of executions with tasks
    // in queues, and of those that changed since they were counted.
    LIMIT_AUDIT_TASKS = 256,
    LIMIT_AUDIT_TALLIES = 256 * 1024,
    LIMIT_AUDIT_DIRTY = 64 * 1024,
    // Interest in a queue: said again after, forgotten after.
    LIMIT_INTEREST_TELL_MS = 10 * 1000,
    LIMIT_INTEREST_MS = 30 * 1000,
    // A hint that is not answered goes to another node; tasks one hint speaks of.
    LIMIT_HINT_MS = 25,
    LIMIT_HINT_TASKS = 1000,
    // Messages of other nodes taken in one turn of the loop; the rest are the next turn's.
    LIMIT_PEER_EVENTS_PER_TURN = 1000,
    // A quiet pair of nodes: Raft speaks more often than this, so that no heartbeat of the link is
    // needed. A node that falls silent is missed after the second.
    LIMIT_LINK_HEARTBEAT_MS = 500,
    LIMIT_LINK_SILENCE_MS = 1100,
    LIMIT_CLUSTER_KEY_FILE_BYTES = 4096,
    // A stop waits this long for other nodes to take leadership over.
    LIMIT_LEAVE_MS = 3 * 1000,

    // --- backup ---------------------------------------------------------------------------------
    // Rows or entries of one answer: some milliseconds of the core (store_scan); one row or entry
    // may be larger.
    LIMIT_BACKUP_CHUNK_BYTES = 512 * 1024,
    // What a step counts as beside its bytes, where they are bounded: small partitions are many.
    LIMIT_BACKUP_STEP_BYTES = 32 * 1024,
    // A chunk with the greatest entry there is room for between two nodes.
    LIMIT_BACKUP_CHUNK_BYTES_MAX = 24 * 1024 * 1024 - 128 * 1024,
    // Writes sent in one step of a restore: one log entry.
    LIMIT_BACKUP_LOAD_BYTES = 512 * 1024,
    // Rows of polls that an empty partition drops when a restore begins.
    LIMIT_BACKUP_SOFT_ROWS = 10 * 1000,
    // A step that nobody answers is tried again, this often, for so long: an election, a restart.
    LIMIT_BACKUP_RETRY_MS = 250,
    LIMIT_BACKUP_PATIENCE_MS = 120 * 1000,
    LIMIT_BACKUP_SAY_MS = 3 * 1000, // then whoever watches is told why
    // Entries of partitions whose rows are scanned are fetched at least this often; a leader keeps
    // them so long after it was asked (within LIMIT_STORE_HELD_BYTES).
    LIMIT_BACKUP_FOLLOW_MS = 1000,
    LIMIT_BACKUP_HOLD_MS = 10 * 1000,
    // Who takes a backup says so this often; nobody else may begin one until it was not heard of
    // for so long.
    LIMIT_BACKUP_TELL_MS = 1000,
    LIMIT_BACKUP_TURN_MS = 5 * 1000,
    // Scans of one partition that ended without its log; marks that another backup overtook.
    LIMIT_BACKUP_TRIES = 8,
    // What `orpheus backup` reads a second unless told, in MiB: a GiB a minute. When an answer
    // took long, so many times as long pass from that question to the next, down to so small a part
    // of the rate; time lost is made up for so far.
    LIMIT_BACKUP_RATE_MIB = 16,
    LIMIT_BACKUP_PAUSES = 4,
    LIMIT_BACKUP_SLOWEST = 4,
    LIMIT_BACKUP_CATCH_UP_MS = 100,
    // A bucket: objects of which a file consists are this large; what was appended and is not there
    // yet, of all files together.
    LIMIT_BUCKET_SEGMENT_BYTES = 8 * 1024 * 1024,
    LIMIT_BUCKET_HELD_BYTES = 64 * 1024 * 1024,
    // Names: of a bucket as S3 has them; of what stands before the objects' own names.
    LIMIT_BUCKET_NAME_BYTES = 63,
    LIMIT_BUCKET_PREFIX_BYTES = 512,
    LIMIT_BUCKET_REGION_BYTES = 63,
    LIMIT_BUCKET_ENDPOINT_BYTES = 512,
    // A request that is not answered, or with 5xx, is made again, ever later, for so long.
    LIMIT_BUCKET_RETRY_MS = 250,
    LIMIT_BUCKET_RETRY_MAX_MS = 10 * 1000,
    LIMIT_BUCKET_PATIENCE_MS = 120 * 1000,
    // Times of one request. An object of 32 MiB passes a line of 1 Mbit/s.
    LIMIT_BUCKET_CONNECT_MS = 10 * 1000,
    LIMIT_BUCKET_SILENCE_MS = 30 * 1000,
    LIMIT_BUCKET_TOTAL_MS = 300 * 1000,
    // A page of a list: 1 000 names. Elements of an answer lie within one another so deep at most.
    LIMIT_BUCKET_ANSWER_BYTES = 4 * 1024 * 1024,
    LIMIT_BUCKET_XML_DEPTH = 8,
    // The manifest: a line of 300 bytes for each of 1 025 partitions.
    LIMIT_BACKUP_MANIFEST_BYTES = 1024 * 1024,
};

"""Whether a cluster could lose one more node just now, by what all its nodes say of it.

How far a follower is behind is known to the leader of its partition only, so every node is asked, and of
each partition its leader is believed.
"""

BEHIND_ENTRIES = 200  # a follower with fewer entries missing is at its leader's heels
SHOWN = 5


def leaders_of(views):
    """Of each partition, by id, what its leader says of it, or None."""
    found = {}
    for view in views.values():
        for partition in view["partitions"] if view else []:
            found.setdefault(partition["id"], None)
            held = found[partition["id"]]
            if partition.get("role") == "leader" and (held is None or partition["term"] > held["term"]):
                found[partition["id"]] = partition
    return found


def copies_wanted(partition):
    """How many voters it shall have, as far as the answer says that."""
    return len(partition.get("target") or partition.get("voters") or [])


def complaint_of(number, partition):
    if partition is None:
        return f"partition {number} has no leader"
    silent = [one["node"] for one in partition["followers"] if not one["answers"]]
    behind = [one["node"] for one in partition["followers"] if one["lag"] > BEHIND_ENTRIES]
    if silent:
        return f"partition {number}: node {silent[0]} does not answer its leader"
    if behind:
        return f"partition {number}: node {behind[0]} is more than {BEHIND_ENTRIES} entries behind"
    if len(partition.get("voters") or []) < copies_wanted(partition):
        return f"partition {number} has fewer copies than it shall have"
    return None


def complaints(views):
    """Why it could not, one reason a line; none: it could. `views`: GET /api/cluster by node, None for
    one that does not answer."""
    reasons = [f"node {number} does not answer" for number, view in views.items() if view is None]
    for number, view in views.items():
        left = {one["nodeId"] for one in (view or {}).get("members", []) if one["state"] == "left"}
        away = [one["id"] for one in (view or {}).get("nodes", []) if not one["up"] and one["id"] not in left]
        reasons += [f"node {number} has no link to node {other}" for other in away]
    leaders = leaders_of(views)
    for number in sorted(leaders):
        reasons.append(complaint_of(number, leaders[number]))
    for view in views.values():
        left = (view or {}).get("progress", {}).get("movesLeft", 0)
        if left:
            reasons.append(f"{left} copies are still to be moved")
            break
    return [reason for reason in reasons if reason]


def shown(reasons):
    more = f"; and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    return "; ".join(reasons[:SHOWN]) + more

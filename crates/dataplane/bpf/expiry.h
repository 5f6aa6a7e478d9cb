/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * How flows expire. Each stands in a queue; one timer takes some entries at a time, deletes the flows whose time is over and
 * puts the others back. Nobody has to be there for it, its work is bounded whatever the table holds, and entering a flow takes
 * no memory that the kernel might not have: a timer for each flow would.
 */
#ifndef RAVELIN_EXPIRY_H
#define RAVELIN_EXPIRY_H

#include "maps.h"

#define CLOCK_MONOTONIC 1
/* When a side was seen is written anew every 8 ticks at most, and so may be older by them, at 100 ticks a second
 * or more. */
#define SEEN_TICKS_SHIFT 3
#define SEEN_GRAIN_NS 100000000ULL

/* Every 20 ms the sweeper takes 16 entries and 1 in 512, and 512 at most: each entry has its turn within 11 seconds where the
 * table has 262,144 flows, and within one where it has few. */
#define SWEEP_NS 20000000ULL
#define SWEEP_LEAST 16
#define SWEEP_FRACTION 512
#define SWEEP_MOST 512
/* Entries whose flows are gone, as the loader leaves them behind, cost little: so many are taken besides. */
#define SWEEP_STALE_MOST 4096
/* Where the queue is full, whoever wants to enter a flow takes so many entries itself. */
#define SWEEP_FULL 64

static __always_inline __u64 timeout(const struct settings *limits, __u32 state)
{
	return limits->timeout_ns[state & (STATES - 1)];
}

/* How long a flow is kept after its last packet. One that was not judged under the class's present plan is kept
 * for the time-out of the dead at least, to be judged as the flow it is. */
static __always_inline __u64 kept_ns(const struct settings *limits, struct flow *flow)
{
	__u64 word = READ_ONCE(flow->word), dead = timeout(limits, STATE_DEAD), kept;

	kept = word & FLOW_DEAD ? dead : timeout(limits, READ_ONCE(flow->state));
	if ((word & STAMP_MASK) != class_word(flow->slot) >> CLASS_OFFSET_BITS && kept < dead)
		kept = dead;
	return kept;
}

static __always_inline bool is_expired(const struct settings *limits, struct flow *flow, __u64 now)
{
	__u64 seen = READ_ONCE(flow->begun_ns), local = READ_ONCE(flow->seen_local_ns);
	__u64 remote = READ_ONCE(flow->seen_remote_ns);

	seen = local > seen ? local : seen;
	seen = remote > seen ? remote : seen;
	return seen + SEEN_GRAIN_NS + kept_ns(limits, flow) <= now;
}

static __always_inline void release_share(__u32 slot)
{
	struct share *share = find_share(slot);

	if (share)
		__sync_fetch_and_add(&share->flows, -1);
}

static __always_inline struct sweeper *find_sweeper(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&sweepers, &first);
}

struct sweep {
	struct settings *limits;
	struct sweeper *sweeper;
	__u64 now;
	__u64 turns; /* that are left for entries with a flow */
};

/* Takes one entry. Gives 1 where there is none, or no turn is left. */
static long sweep_one(__u64 number, struct sweep *sweep)
{
	struct expiry_entry entry = {};
	struct flow *flow;
	__u32 slot;

	(void)number;
	if (bpf_map_pop_elem(&expiry, &entry))
		return 1;
	flow = bpf_map_lookup_elem(&flows, &entry.key);
	if (flow && READ_ONCE(flow->word) >> FLOW_NONCE_SHIFT == entry.nonce) {
		sweep->turns--;
		slot = flow->slot;
		/* There is room: its place is still counted. */
		if (!is_expired(sweep->limits, flow, sweep->now) && bpf_map_push_elem(&expiry, &entry, 0) == 0)
			return !sweep->turns;
		if (bpf_map_delete_elem(&flows, &entry.key) == 0)
			release_share(slot);
	}
	__sync_fetch_and_add(&sweep->sweeper->entries, -1);
	return !sweep->turns;
}

/* Takes so many entries at most, and so many of them that have a flow. A function of its own to the verifier, which so does
 * not follow the numbers. */
__noinline int sweep_some(__u32 most, __u64 turns)
{
	struct sweep sweep = {
		.limits = find_settings(),
		.sweeper = find_sweeper(),
		.now = bpf_ktime_get_coarse_ns(),
		.turns = turns,
	};

	if (!sweep.limits || !sweep.sweeper)
		return 0;
	bpf_loop(most, sweep_one, &sweep, 0);
	return 0;
}

/* The timer. It rests where the queue is empty: the next flow sets it again. Where other programs have come into force it goes
 * on for the flows that there are, until the next flow sets it to those. */
static int sweep(void *map, __u32 *key, struct sweeper *sweeper)
{
	__u64 turns = READ_ONCE(sweeper->entries) / SWEEP_FRACTION + SWEEP_LEAST;
	struct settings *limits = find_settings();

	(void)map;
	(void)key;
	if (!limits || limits->epoch != sweeper->epoch)
		__sync_lock_test_and_set(&sweeper->armed, 0);
	sweep_some(SWEEP_STALE_MOST, turns < SWEEP_MOST ? turns : SWEEP_MOST);
	if (!READ_ONCE(sweeper->entries)) {
		__sync_lock_test_and_set(&sweeper->armed, 0);
		/* A flow that was entered meanwhile may have seen it armed. */
		if (!READ_ONCE(sweeper->entries) || __sync_val_compare_and_swap(&sweeper->armed, 0, 1) != 0)
			return 0;
	}
	bpf_timer_start(&sweeper->timer, SWEEP_NS, 0);
	return 0;
}

/* Sets the timer where it does not run. Where that fails the next flow tries again. */
static __always_inline void arm(const struct settings *limits, struct sweeper *sweeper)
{
	if (READ_ONCE(sweeper->armed) || __sync_val_compare_and_swap(&sweeper->armed, 0, 1) != 0)
		return;
	/* Fails where it was initialised before, which is as good. */
	bpf_timer_init(&sweeper->timer, &sweepers, CLOCK_MONOTONIC);
	WRITE_ONCE(sweeper->epoch, limits->epoch);
	if (bpf_timer_set_callback(&sweeper->timer, sweep) || bpf_timer_start(&sweeper->timer, SWEEP_NS, 0))
		__sync_lock_test_and_set(&sweeper->armed, 0);
}

/* Puts a flow that is entered next into the queue. Gives false where the queue is full. */
static __always_inline bool enqueue(const struct settings *limits, const struct flow_key *key, __u64 word)
{
	struct expiry_entry entry = { .key = *key, .nonce = word >> FLOW_NONCE_SHIFT };
	struct sweeper *sweeper = find_sweeper();

	if (!sweeper)
		return false;
	if (__sync_fetch_and_add(&sweeper->entries, 1) >= limits->expiry_max ||
	    bpf_map_push_elem(&expiry, &entry, 0)) {
		__sync_fetch_and_add(&sweeper->entries, -1);
		return false;
	}
	arm(limits, sweeper);
	return true;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Every drop: counted, sampled, and told to a test run.
 */
#ifndef RAVELIN_EVENTS_H
#define RAVELIN_EVENTS_H

#include "packet.h"

/* What a program says to the kernel: the next program and the stack go on with it (tcx and clsact), or it is gone. */
#define PASS (-1)
#define DROP 2

/* Whether an interface may say one more. One packet of those that ask at the same time is told yes. */
static __always_inline bool is_due(struct share *share, __u64 now, __u64 interval)
{
	__u64 last = READ_ONCE(share->last_event_ns);

	if (last && now - last < interval)
		return false;
	return __sync_val_compare_and_swap(&share->last_event_ns, last, now) == last;
}

static __noinline void describe(struct event *event, const struct packet *packet, enum reason reason)
{
	event->slot = packet->slot;
	event->id = packet->key.id;
	event->rule = packet->rule;
	event->reason = reason;
	event->direction = packet->egress;
	event->protocol = packet->key.protocol;
	event->ethertype = packet->ethertype;
	event->local_port = packet->key.local_port;
	event->remote_port = packet->key.remote_port;
	event->length = packet->length > 0xffff ? 0xffff : packet->length;
	event->unused = 0;
	__builtin_memcpy(event->local, packet->key.local, sizeof(event->local));
	__builtin_memcpy(event->remote, packet->key.remote, sizeof(event->remote));
}

static __always_inline void sample(struct __sk_buff *skb, const struct packet *packet, __u32 reason)
{
	struct settings *limits = find_settings();
	struct share *share = find_share(packet->slot);
	__u64 now = bpf_ktime_get_coarse_ns();
	struct event *event = NULL;

	if (!limits || !share)
		return;
	if (is_due(share, now, limits->event_interval_ns))
		event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&share->events_suppressed, 1);
		return;
	}
	event->at_ns = now;
	event->ifindex = skb->ifindex;
	describe(event, packet, reason);
	bpf_ringbuf_submit(event, 0);
}

static __always_inline int drop(struct __sk_buff *skb, const struct packet *packet, __u32 reason)
{
	__u32 at = packet->slot * REASONS + (reason & (REASONS - 1));
	__u64 *counter = bpf_map_lookup_elem(&drops, &at);

	if (counter)
		__sync_fetch_and_add(counter, 1);
	sample(skb, packet, reason);
	return DROP;
}

#endif
